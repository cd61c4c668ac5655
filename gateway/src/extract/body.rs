//! JSON bodies.

use crate::error::ApiError;
use axum::extract::{FromRequest, Request};
use muster_error::{AppError, ErrorId};
use serde::{
    Deserializer,
    de::{DeserializeOwned, Visitor},
    forward_to_deserialize_any,
};

/// A JSON body. Whatever the content type says; unreadable JSON, or JSON of another shape, is 400.
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = axum::body::Bytes::from_request(request, state).await.map_err(|rejection| {
            let id =
                if rejection.status() == http::StatusCode::PAYLOAD_TOO_LARGE { ErrorId::BodyTooLarge } else { ErrorId::InvalidBodyParam };
            ApiError(AppError::new(id).param("Name", "body"))
        })?;
        from_json(&bytes).map(Json).map_err(|e| ApiError(AppError::body("body").detail(e)))
    }
}

/// Reads JSON as Go does: an object is no list. serde's structs would take `[1, 2]` as their first two fields.
pub fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = T::deserialize(ObjectsAreNoLists(&mut json))?;
    json.end()?;
    Ok(value)
}

struct ObjectsAreNoLists<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for ObjectsAreNoLists<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(self, _: &'static str, _: &'static [&'static str], visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_option(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_newtype_struct(name, visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct tuple tuple_struct
        enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_proto::model::{Preference, Reaction};

    #[test]
    fn an_object_is_no_list() {
        assert!(from_json::<Reaction>(br#"["u","p","e",1]"#).is_err());
        assert_eq!(from_json::<Reaction>(br#"{"user_id":"u","create_at":null}"#).map(|r| r.user_id).ok().as_deref(), Some("u"));
        assert_eq!(from_json::<Vec<Preference>>(br#"[{"name":"n"}]"#).map(|p| p.len()).ok(), Some(1));
        assert!(from_json::<Reaction>(b"{} x").is_err());
    }
}

//! The serde functions `build.rs` names in the derives of the entities.

use serde::{Deserialize, Deserializer};

/// `null` decodes as the type's default, as in Go.
pub fn null_as_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(d: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(d)?.unwrap_or_default())
}

pub fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A string holding a JSON object; `""` is `{}`. Anything that is no object is refused.
pub mod raw_object {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use serde_json::value::RawValue;

    pub fn serialize<S: Serializer>(value: &str, s: S) -> Result<S::Ok, S::Error> {
        super::serialize_raw(if value.is_empty() { "{}" } else { value }, s)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
        match Option::<Box<RawValue>>::deserialize(d)? {
            None => Ok(String::new()),
            Some(raw) if raw.get().starts_with('{') => Ok(super::compact(raw.get())),
            Some(_) => Err(D::Error::custom("expected a JSON object")),
        }
    }
}

/// A string holding any JSON; `""` is `null`.
pub mod raw_or_null {
    use serde::{Deserialize, Deserializer, Serializer};
    use serde_json::value::RawValue;

    pub fn serialize<S: Serializer>(value: &str, s: S) -> Result<S::Ok, S::Error> {
        super::serialize_raw(if value.is_empty() { "null" } else { value }, s)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
        Ok(Option::<Box<RawValue>>::deserialize(d)?.map(|raw| super::compact(raw.get())).unwrap_or_default())
    }
}

fn serialize_raw<S: serde::Serializer>(json: &str, s: S) -> Result<S::Ok, S::Error> {
    let raw: &serde_json::value::RawValue = serde_json::from_str(json).map_err(serde::ser::Error::custom)?;
    serde::Serialize::serialize(raw, s)
}

/// Without insignificant white space, so that stored lengths do not depend on the sender's formatting. Numbers and
/// key order stay as sent.
fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut in_string, mut escaped) = (false, false);
    for c in json.chars() {
        if in_string {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => in_string = false,
                _ => {}
            }
            out.push(c);
        } else if !c.is_ascii_whitespace() {
            in_string = c == '"';
            out.push(c);
        }
    }
    out
}

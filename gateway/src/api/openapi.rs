//! `/openapi.json`: the API as this code has it, and a page to read it. Operations and the gateway's own shapes come from the source
//! (`build.rs`), entities from the descriptors their JSON is made of.

use super::{ApiRoutes, contract};
use crate::{version::SERVER_VERSION, wire::RawJson};
use axum::response::{Html, IntoResponse};
use bytes::Bytes;
use muster_error::AppError;
use prost::Message;
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet, field_descriptor_proto::Type};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new().get("/openapi.json", document).get("/docs", page)
}

static DOCUMENT: LazyLock<Result<Bytes, AppError>> = LazyLock::new(|| Ok(build()?.to_string().into()));

/// Anyone. Answers `Value`.
async fn document() -> crate::error::ApiResult<RawJson> {
    Ok(RawJson(DOCUMENT.clone()?))
}

/// Anyone: the document as a page.
async fn page() -> impl IntoResponse {
    Html(include_str!("openapi.html"))
}

#[derive(Deserialize)]
struct Described {
    operations: Vec<Operation>,
    shapes: Map<String, Value>,
}

#[derive(Deserialize)]
struct Operation {
    method: String,
    path: String,
    tag: String,
    summary: String,
    open: bool,
    query: Vec<String>,
    body: Option<Value>,
    multipart: bool,
    status: u16,
    answer: Value,
}

fn build() -> Result<Value, AppError> {
    let described: Described = serde_json::from_str(include_str!(concat!(env!("OUT_DIR"), "/api.json"))).map_err(AppError::internal)?;
    let mut schemas = described.shapes;
    for (name, schema) in entities()? {
        schemas.insert(name, schema);
    }
    schemas.insert("Error".into(), error());
    let mut paths: Map<String, Value> = Map::new();
    let mut put = |path: &str, method: &str, operation: Value| {
        let methods = paths.entry(path.to_owned()).or_insert_with(|| json!({}));
        methods[method.to_ascii_lowercase()] = operation;
    };
    for (method, path) in contract::OPERATIONS {
        put(path, method, json!({ "tags": ["not built"], "summary": "Answers 501.", "responses": { "501": refusal("Not built yet") } }));
    }
    for operation in &described.operations {
        put(&operation.path, &operation.method, operation.document());
    }
    Ok(json!({
        "openapi": "3.1.0",
        "info": { "title": "Muster", "version": SERVER_VERSION, "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
                  "description": "Mattermost's HTTP API v4 as this server speaks it." },
        "servers": [{ "url": "/api/v4" }],
        "paths": paths,
        "components": { "schemas": schemas, "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } } },
    }))
}

impl Operation {
    fn document(&self) -> Value {
        let in_path = self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let parameter =
            |name: &str, place: &str| json!({ "name": name, "in": place, "required": place == "path", "schema": { "type": "string" } });
        let parameters: Vec<Value> =
            in_path.map(|name| parameter(name, "path")).chain(self.query.iter().map(|name| parameter(name, "query"))).collect();
        let mut document = json!({
            "tags": [self.tag],
            "summary": self.summary,
            "parameters": parameters,
            "security": if self.open { json!([]) } else { json!([{ "token": [] }]) },
            "responses": {
                self.status.to_string(): { "description": "Done", "content": { "application/json": { "schema": self.answer } } },
                "default": refusal("Refused"),
            },
        });
        if self.multipart {
            document["requestBody"] = json!({ "content": { "multipart/form-data": { "schema": { "type": "object" } } } });
        } else if let Some(body) = &self.body {
            document["requestBody"] = json!({ "required": true, "content": { "application/json": { "schema": body } } });
        }
        document
    }
}

fn refusal(description: &str) -> Value {
    json!({ "description": description, "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } } })
}

fn error() -> Value {
    let text = json!({ "type": "string" });
    json!({ "type": "object", "properties": {
        "id": text, "message": text, "detailed_error": text, "request_id": text, "status_code": { "type": "integer" },
    } })
}

/// Every message of `muster.model.v1`: its JSON is its fields.
fn entities() -> Result<Vec<(String, Value)>, AppError> {
    let set = FileDescriptorSet::decode(muster_proto::DESCRIPTORS).map_err(AppError::internal)?;
    let messages = set.file.iter().filter(|file| file.package() == "muster.model.v1").flat_map(|file| &file.message_type);
    Ok(messages.map(|message| (message.name().to_owned(), entity(message))).collect())
}

fn entity(message: &DescriptorProto) -> Value {
    let properties: Map<String, Value> = message.field.iter().map(|field| (field.name().to_owned(), property(message, field))).collect();
    json!({ "type": "object", "properties": properties })
}

fn property(message: &DescriptorProto, field: &FieldDescriptorProto) -> Value {
    let referred = field.type_name().rsplit('.').next().unwrap_or_default();
    if let Some(entry) = message.nested_type.iter().find(|nested| nested.name() == referred)
        && let Some(value) = entry.field.iter().find(|f| f.name() == "value")
    {
        return json!({ "type": "object", "additionalProperties": property(entry, value) });
    }
    let one = match field.r#type() {
        Type::Bool => json!({ "type": "boolean" }),
        Type::Double | Type::Float => json!({ "type": "number" }),
        Type::String | Type::Bytes => json!({ "type": "string" }),
        Type::Message => json!({ "$ref": format!("#/components/schemas/{referred}") }),
        _ => json!({ "type": "integer", "format": "int64" }),
    };
    if field.label() == prost_types::field_descriptor_proto::Label::Repeated { json!({ "type": "array", "items": one }) } else { one }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn references<'a>(value: &'a Value, into: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(map) => {
                if let Some(name) = map.get("$ref").and_then(Value::as_str) {
                    into.insert(name);
                }
                map.values().for_each(|v| references(v, into));
            }
            Value::Array(list) => list.iter().for_each(|v| references(v, into)),
            _ => {}
        }
    }

    #[test]
    fn every_built_operation_is_described_and_every_shape_exists() {
        let document = build().expect("a document");
        for (method, path) in super::super::built_operations() {
            let operation = &document["paths"][&path][method.to_ascii_lowercase()];
            assert!(operation["summary"].as_str().is_some_and(|s| !s.is_empty()), "{method} {path} has no doc comment");
            assert_ne!(operation["tags"][0], "not built", "{method} {path} is not described");
        }
        let mut names = BTreeSet::new();
        references(&document, &mut names);
        for name in names {
            let shape = name.rsplit('/').next().expect("a name");
            assert!(document["components"]["schemas"].get(shape).is_some(), "{name} does not exist");
        }
        assert_eq!(document["components"]["schemas"]["User"]["properties"]["notify_props"]["additionalProperties"]["type"], "string");
        let created = &document["paths"]["/posts"]["post"]["responses"]["201"]["content"]["application/json"]["schema"]["$ref"];
        assert_eq!(created, "#/components/schemas/Post");
    }
}

//! The OpenAPI 3.1 document, made from the declarations.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::function::{Access, Declaration, Endpoint};

/// What the document says of an endpoint's bodies and parameters.
#[derive(Clone, Copy, Debug, Default)]
pub struct Docs {
    takes: Option<fn() -> Schemas>,
    answers: Option<fn() -> Schemas>,
    reads: &'static [(&'static str, &'static str)],
}

/// A type's own schema and those it refers to.
struct Schemas {
    name: String,
    all: Vec<(String, RefOr<Schema>)>,
}

fn schemas<T: ToSchema + PartialSchema>() -> Schemas {
    let mut all = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut all);
    Schemas { name: T::name().into_owned(), all }
}

impl Docs {
    pub(crate) fn takes<T: ToSchema>(self) -> Self {
        Self { takes: Some(schemas::<T>), ..self }
    }

    pub(crate) fn answers<T: ToSchema>(self) -> Self {
        Self { answers: Some(schemas::<T>), ..self }
    }

    pub(crate) fn reads(self, reads: &'static [(&'static str, &'static str)]) -> Self {
        Self { reads, ..self }
    }
}

/// The document of a service.
#[must_use]
pub fn document<'a>(
    title: &str,
    version: &str,
    declarations: impl IntoIterator<Item = &'a Declaration>,
) -> Value {
    let mut components = BTreeMap::new();
    let mut paths: BTreeMap<&str, BTreeMap<String, Value>> = BTreeMap::new();
    for declaration in declarations {
        let Some(endpoint) = declaration.endpoint() else { continue };
        if endpoint.path == "$default" {
            continue;
        }
        let operation = operation(declaration, endpoint, &mut components);
        let method = endpoint.method.as_str().to_lowercase();
        paths.entry(endpoint.path).or_default().insert(method, operation);
    }
    components.insert("Problem".to_owned(), problem_schema());
    json!({
        "openapi": "3.1.0",
        "info": { "title": title, "version": version },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "initData": {
                    "type": "apiKey", "in": "header", "name": "Authorization",
                    "description": "`tma <initData>` as Telegram signed it",
                },
                "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
                "admin": { "type": "apiKey", "in": "header", "name": "x-admin-secret" },
            },
        },
    })
}

fn operation(
    declaration: &Declaration,
    endpoint: &Endpoint,
    components: &mut BTreeMap<String, Value>,
) -> Value {
    let mut refer = |schemas: fn() -> Schemas| {
        let Schemas { name, all } = schemas();
        for (name, schema) in all {
            components.insert(name, serde_json::to_value(schema).unwrap_or_default());
        }
        json!({ "$ref": format!("#/components/schemas/{name}") })
    };
    let mut responses = serde_json::Map::new();
    let mut ok = json!({ "description": "Success" });
    if let (Some(answers), Value::Object(ok)) = (endpoint.docs.answers, &mut ok) {
        let schema = json!({ "allOf": [
            { "type": "object", "required": ["success"], "properties": { "success": { "const": true } } },
            refer(answers),
        ]});
        ok.insert("content".to_owned(), json!({ "application/json": { "schema": schema } }));
    }
    responses.insert("200".to_owned(), ok);
    if endpoint.cache.is_some() {
        responses.insert("304".to_owned(), json!({ "description": "Not modified" }));
    }
    responses.insert("default".to_owned(), problem_response());
    let mut operation = json!({
        "operationId": declaration.name,
        "summary": declaration.summary,
        "parameters": parameters(endpoint),
        "responses": responses,
        "security": security(endpoint.access),
    });
    if let (Some(takes), Value::Object(operation)) = (endpoint.docs.takes, &mut operation) {
        let content = json!({ "application/json": { "schema": refer(takes) } });
        let required = endpoint.method != Method::GET;
        operation
            .insert("requestBody".to_owned(), json!({ "required": required, "content": content }));
    }
    operation
}

fn parameters(endpoint: &Endpoint) -> Vec<Value> {
    let in_path = endpoint.path.split('/').filter_map(|segment| {
        let name = segment.strip_prefix('{')?.strip_suffix('}')?;
        Some(json!({
            "name": name, "in": "path", "required": true, "schema": { "type": "string" },
        }))
    });
    let in_query = endpoint.docs.reads.iter().map(|(name, kind)| {
        json!({ "name": name, "in": "query", "required": false, "schema": { "type": kind } })
    });
    in_path.chain(in_query).collect()
}

fn security(access: Access) -> Value {
    match access {
        Access::Member => json!([{ "initData": [] }, { "bearer": [] }]),
        Access::Anyone => json!([{}, { "initData": [] }, { "bearer": [] }]),
        Access::Admin => json!([{ "admin": [] }]),
        Access::SignIn | Access::Webhook(_) => json!([]),
    }
}

fn problem_response() -> Value {
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    json!({
        "description": "Problem details (RFC 9457)",
        "content": { "application/problem+json": { "schema": schema } },
    })
}

fn problem_schema() -> Value {
    json!({
        "type": "object",
        "required": ["type", "title", "status", "code", "success", "error", "message"],
        "properties": {
            "type": { "type": "string" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "code": { "type": "string" },
            "success": { "const": false },
            "error": { "type": "string" },
            "message": { "type": "string" },
            "fields": { "type": "array", "items": {
                "type": "object",
                "properties": { "name": { "type": "string" }, "reason": { "type": "string" } },
            }},
            "retryAfter": { "type": "integer" },
        },
    })
}

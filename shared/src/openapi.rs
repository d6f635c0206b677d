//! The OpenAPI 3.1 document, made from the declarations.

use std::collections::{BTreeMap, BTreeSet};

use http::{Method, StatusCode};
use serde_json::{Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::function::{Access, Declaration, Endpoint};
use crate::http::Wire;

/// What the document says of an endpoint's bodies and parameters.
#[derive(Clone, Copy, Debug, Default)]
pub struct Docs {
    takes: Option<fn() -> Schemas>,
    answers: Success,
    reads: &'static [(&'static str, &'static str)],
}

/// What an endpoint answers when all is well.
#[derive(Clone, Copy, Debug, Default)]
enum Success {
    /// A 200, of which nothing is said.
    #[default]
    Ok,
    /// A status with a body.
    Body(StatusCode, fn() -> Schemas),
    /// A 204.
    Nothing,
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
        Self { answers: Success::Body(StatusCode::OK, schemas::<T>), ..self }
    }

    pub(crate) fn creates<T: ToSchema>(self) -> Self {
        Self { answers: Success::Body(StatusCode::CREATED, schemas::<T>), ..self }
    }

    pub(crate) fn answers_nothing(self) -> Self {
        Self { answers: Success::Nothing, ..self }
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
    wire: &Wire,
    declarations: impl IntoIterator<Item = &'a Declaration>,
) -> Value {
    let mut components = BTreeMap::new();
    let mut schemes = BTreeSet::new();
    let mut paths: BTreeMap<&str, BTreeMap<String, Value>> = BTreeMap::new();
    for declaration in declarations {
        let Some(endpoint) = declaration.endpoint() else { continue };
        if endpoint.path == "$default" {
            continue;
        }
        let operation = operation(declaration, endpoint, wire, &mut components);
        let method = endpoint.method.as_str().to_lowercase();
        schemes.extend(credentials(endpoint.access));
        paths.entry(endpoint.path).or_default().insert(method, operation);
    }
    components.insert("Problem".to_owned(), (wire.problem_schema)());
    let schemes: BTreeMap<_, _> = schemes.into_iter().map(|name| (name, scheme(name))).collect();
    json!({
        "openapi": "3.1.0",
        "info": { "title": title, "version": version },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": schemes,
        },
    })
}

fn scheme(name: &str) -> Value {
    match name {
        "initData" => json!({
            "type": "apiKey", "in": "header", "name": "Authorization",
            "description": "`tma <initData>` as Telegram signed it",
        }),
        "bearer" => json!({ "type": "http", "scheme": "bearer", "bearerFormat": "JWT" }),
        _ => json!({ "type": "apiKey", "in": "header", "name": "x-admin-secret" }),
    }
}

fn operation(
    declaration: &Declaration,
    endpoint: &Endpoint,
    wire: &Wire,
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
    let (status, success) = match endpoint.docs.answers {
        Success::Ok => (StatusCode::OK, json!({ "description": "Success" })),
        Success::Nothing => (StatusCode::NO_CONTENT, json!({ "description": "Success" })),
        Success::Body(status, answers) => {
            let schema = (wire.success_schema)(refer(answers));
            let content = json!({ "application/json": { "schema": schema } });
            (status, json!({ "description": "Success", "content": content }))
        }
    };
    responses.insert(status.as_str().to_owned(), success);
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
    let in_query = endpoint.docs.reads.iter().map(|(name, description)| {
        json!({
            "name": name, "in": "query", "required": false, "description": description,
            "schema": { "type": "string" },
        })
    });
    in_path.chain(in_query).collect()
}

/// The names of the credentials that an endpoint takes.
fn credentials(access: Access) -> &'static [&'static str] {
    match access {
        Access::Member | Access::MemberOrBody | Access::Anyone => &["initData", "bearer"],
        Access::User | Access::Visitor(_) => &["initData"],
        Access::Admin => &["admin"],
        Access::Public | Access::SignIn | Access::Webhook => &[],
    }
}

fn security(access: Access) -> Value {
    let is_optional = matches!(access, Access::Anyone | Access::Visitor(_));
    let mut ways = Vec::new();
    if is_optional {
        ways.push(json!({}));
    }
    ways.extend(credentials(access).iter().map(|name| json!({ *name: [] })));
    ways.into()
}

fn problem_response() -> Value {
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    json!({
        "description": "Problem details (RFC 9457)",
        "content": { "application/problem+json": { "schema": schema } },
    })
}

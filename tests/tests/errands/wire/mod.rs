//! What every route has, by the service's own description of itself.

mod client;
mod corpus;
mod limits;
mod queries;
mod routes;
mod strange;

use serde_json::Value;
use tests::{Call, World};

use crate::scene::NO_ORDER;

/// A route of the service's OpenAPI document.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    /// The method in upper case.
    pub(crate) method: String,
    /// The path with names in braces.
    pub(crate) template: String,
    /// Does it refuse who has no credential?
    pub(crate) required: bool,
    /// Does it read launch data at all?
    pub(crate) knows_callers: bool,
    /// Does it take a JSON body?
    pub(crate) body: bool,
    /// Query parameters.
    pub(crate) query: Vec<String>,
}

impl Route {
    fn of(template: &str, method: &str, operation: &Value) -> Self {
        let security = operation["security"].as_array().cloned().unwrap_or_default();
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let in_query = parameters.iter().filter(|parameter| parameter["in"] == "query");
        let open =
            security.iter().any(|one| one.as_object().is_some_and(serde_json::Map::is_empty));
        Self {
            method: method.to_ascii_uppercase(),
            template: template.to_owned(),
            required: !security.is_empty() && !open,
            knows_callers: !security.is_empty(),
            body: operation["requestBody"].is_object(),
            query: in_query.map(|one| one["name"].as_str().unwrap().to_owned()).collect(),
        }
    }

    /// The path with ids of the right shape, which name nothing.
    pub(crate) fn path(&self) -> String {
        self.path_with(NO_ORDER, "1")
    }

    /// The path with these ids.
    pub(crate) fn path_with(&self, order: &str, payment: &str) -> String {
        self.template.replace("{id}", order).replace("{payment_id}", payment)
    }

    /// Is it a provider's delivery, read whatever its type?
    pub(crate) fn is_webhook(&self) -> bool {
        self.template.contains("webhook")
    }

    /// A call, with an empty object as body where one is taken.
    pub(crate) fn call(&self, world: &World) -> Call {
        let call = world.call(&self.method, &self.path());
        if self.body { call.raw("{}") } else { call }
    }
}

/// All routes of the service, as it describes itself.
pub(crate) async fn routes(world: &World) -> Vec<Route> {
    let document = world.get("/openapi.json").await.is(200).json();
    let mut routes = Vec::new();
    for (template, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            routes.push(Route::of(template, method, operation));
        }
    }
    assert_eq!(routes.len(), 30, "{routes:?}");
    routes
}

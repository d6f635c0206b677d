//! What only a deployment changes: the front page and the OpenAPI document.

use std::sync::LazyLock;

use axum::routing::get;
use serde::Serialize;
use serde_json::Value;
use shared::cache::Conditional;
use shared::function::{Access, Function};
use shared::http::Answer;
use shared::problem::Problem;
use utoipa::ToSchema;

use super::api::DOCUMENT;
use crate::App;
use crate::wire::{self, succeeded};

/// `GET /`.
#[must_use]
pub fn root() -> Function<App> {
    Function::<App>::get("club-root", "/")
        .summary("What this is, and where it is described")
        .access(Access::Public)
        .cached(wire::STATIC)
        .answers::<Root>()
        .handled_by(get(handle_root))
}

/// `GET /openapi.json`.
#[must_use]
pub fn openapi() -> Function<App> {
    Function::<App>::get("club-openapi", "/openapi.json")
        .summary("The OpenAPI document")
        .access(Access::Public)
        .cached(wire::STATIC)
        .handled_by(get(handle_openapi))
}

#[derive(Debug, Serialize, ToSchema)]
struct Root {
    name: &'static str,
    version: &'static str,
    /// Where the OpenAPI document is.
    documentation: &'static str,
}

async fn handle_root(cached: Conditional) -> Answer {
    let version = env!("CARGO_PKG_VERSION");
    let root = Root { name: "club", version, documentation: "/openapi.json" };
    cached.answer(&[version], async { Ok(succeeded(root)) }).await
}

async fn handle_openapi(cached: Conditional) -> Answer {
    static PARSED: LazyLock<Option<Value>> = LazyLock::new(|| serde_json::from_str(DOCUMENT).ok());
    let document =
        async { PARSED.as_ref().ok_or_else(|| Problem::bug("the document does not read")) };
    cached.answer(&[DOCUMENT], document).await
}

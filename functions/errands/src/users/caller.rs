//! Extractors: the user behind a request.

use axum::extract::FromRequestParts;
use http::request::Parts;
use shared::clock::Now;
use shared::http::Subject;
use shared::meter;
use shared::problem::{Problem, Result};

use super::{User, store};
use crate::App;

/// The caller of an endpoint that demands one: the record as it was read when the call began. It
/// is priced as the choke point's, and no handler needs to read it again.
#[derive(Clone, Debug)]
pub struct Caller(pub User);

/// The caller of an endpoint that serves anybody; `None` for the anonymous.
#[derive(Clone, Debug)]
pub struct Visitor(pub Option<User>);

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let subject = Subject::from_request_parts(parts, app).await?;
        let Now(now) = Now::from_request_parts(parts, app).await?;
        meter::as_choke(store::ensure(&app.platform.table, &subject, now)).await.map(Self)
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        if parts.extensions.get::<Subject>().is_none() {
            return Ok(Self(None));
        }
        let Caller(user) = Caller::from_request_parts(parts, app).await?;
        Ok(Self(Some(user)))
    }
}

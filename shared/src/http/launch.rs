//! Callers known by launch data alone: a service without sign-in.

use std::borrow::Cow;

use http::request::Parts;
use http::{HeaderMap, header};

use super::auth::Authenticated;
use super::fields::Fields;
use crate::clock::Instant;
use crate::function::Platform;
use crate::problem::{Problem, Result};
use crate::telegram::InitDataError;

/// The caller, who must be known.
///
/// # Errors
/// 401 `not_authenticated`, `unsupported_auth_scheme`, `init_data_expired` or
/// `invalid_init_data`; the cause of the last two is an [`InitDataError`].
pub(super) fn user(
    platform: &Platform,
    headers: &HeaderMap,
    now: Instant,
) -> Result<Authenticated> {
    let Some((scheme, raw)) = presented(headers) else {
        return Err(Problem::unauthorized("not_authenticated"));
    };
    if !["bearer", "tma"].iter().any(|known| known.eq_ignore_ascii_case(&scheme)) {
        return Err(Problem::unauthorized("unsupported_auth_scheme"));
    }
    let data = platform.identity()?.verify(&raw, now).map_err(|error| {
        let code = match error {
            InitDataError::Expired | InitDataError::Future => "init_data_expired",
            _ => "invalid_init_data",
        };
        Problem::unauthorized(code).because(error)
    })?;
    Ok(Authenticated::by_init_data(data))
}

/// The caller, who need not be known. A credential that is no good makes nobody of the caller,
/// except where one of the query's `flags` asks for what is the caller's own.
///
/// # Errors
/// 401 as [`user`], when there is a bad credential and a flag.
pub(super) fn visitor(
    platform: &Platform,
    parts: &Parts,
    flags: &[&'static str],
    now: Instant,
) -> Result<Authenticated> {
    if presented(&parts.headers).is_none() {
        return Ok(Authenticated::default());
    }
    match user(platform, &parts.headers, now) {
        Err(refused) if !refused.is_ours() && !asks(parts, flags) => Ok(Authenticated::default()),
        outcome => outcome,
    }
}

fn asks(parts: &Parts, flags: &[&'static str]) -> bool {
    let mut query = Fields::of_query(&parts.uri).unwrap_or_default();
    flags.iter().any(|flag| query.flag(flag) == Some(true))
}

/// Scheme and credential; `None` when there is no header or nothing after its scheme. What is not
/// UTF-8 reads as something that no signature covers.
fn presented(headers: &HeaderMap) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes().trim_ascii();
    let space = value.iter().position(|byte| *byte == b' ')?;
    let (scheme, raw) = value.split_at_checked(space)?;
    let raw = raw.trim_ascii_start();
    Some((String::from_utf8_lossy(scheme), String::from_utf8_lossy(raw)))
}

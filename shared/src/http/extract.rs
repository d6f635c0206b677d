//! Extractors that refuse with a problem.

use std::net::IpAddr;

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use bytes::Bytes;
use http::request::Parts;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::auth::Subject;
use crate::cache::Conditional;
use crate::clock::Now;
use crate::function::Invocation;
use crate::problem::{Problem, Result};

/// A JSON object as body. An empty one reads as `{}`, so that a missing field is named; unknown
/// fields are ignored; a NUL character anywhere is refused before it can reach a store.
#[derive(Debug)]
pub struct Json<T>(pub T);

/// Path parameters. One that does not read is an entity that does not exist.
#[derive(Debug)]
pub struct Params<T>(pub T);

/// Query parameters. Unknown ones are ignored.
#[derive(Debug)]
pub struct Search<T>(pub T);

/// Where the call came from, and whether its channel is secure.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    /// May cookies demand a secure channel? Not on plain HTTP to a loopback address.
    pub secure: bool,
    /// The address the gateway saw.
    pub address: Option<IpAddr>,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        let bytes = Bytes::from_request(request, state).await.map_err(|_| Problem::unreadable())?;
        read_json(&bytes).map(Self)
    }
}

/// Reads a JSON object by the rules of [`Json`].
///
/// # Errors
/// `parse_error` when it is not JSON, `validation_failed` with the field when it is another.
pub fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { bytes };
    if has_nul(bytes) {
        return Err(Problem::invalid("body", "contains a NUL character"));
    }
    // Serde would take a list for a structure, its fields in the order of their declaration.
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(if is_json(bytes) { wrong_shape() } else { Problem::unreadable() });
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize(&mut json);
    let value = read.map_err(|error| {
        let field = error.path().to_string();
        match is_json(bytes) {
            true if is_structural(&field) => wrong_shape(),
            true => Problem::invalid(field, "missing or of the wrong type"),
            false => Problem::unreadable(),
        }
        .because(error)
    })?;
    json.end().map_err(|error| Problem::unreadable().because(error))?;
    Ok(value)
}

fn wrong_shape() -> Problem {
    Problem::invalid("body", "wrong shape")
}

/// Is it JSON, whatever else is wrong with it? The error's kind does not tell: serde has another
/// type in the place of an enumeration for bad syntax.
fn is_json(bytes: &[u8]) -> bool {
    let text = std::str::from_utf8(bytes).ok();
    text.is_some_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

/// `serde_path_to_error` calls the document itself `.` and unknown places `?`.
fn is_structural(path: &str) -> bool {
    matches!(path, "." | "?")
}

/// Is there a NUL, written out or as the escape `\u0000`? An escaped backslash before `u0000`
/// makes it harmless text.
fn has_nul(json: &[u8]) -> bool {
    let mut escape: Option<Vec<u8>> = None;
    for byte in json.iter().copied() {
        match &mut escape {
            _ if byte == 0 => return true,
            None if byte == b'\\' => escape = Some(Vec::new()),
            None => {}
            Some(seen) if seen.is_empty() && byte != b'u' => escape = None,
            Some(seen) => {
                seen.push(byte);
                if seen.len() == 5 {
                    if seen == b"u0000" {
                        return true;
                    }
                    escape = None;
                }
            }
        }
    }
    false
}

/// Refuses a path or query that smuggles a NUL.
pub(super) fn refuse_nul(uri: &http::Uri) -> Result<()> {
    let text = uri.path_and_query().map(http::uri::PathAndQuery::as_str).unwrap_or_default();
    if text.contains("%00") {
        return Err(Problem::invalid("path", "contains a NUL character"));
    }
    Ok(())
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let read: std::result::Result<_, PathRejection> =
            Path::<T>::from_request_parts(parts, state).await;
        read.map(|Path(value)| Self(value))
            .map_err(|error| Problem::not_found("Not Found").because(error))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Search<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let read = Query::<T>::try_from_uri(&parts.uri);
        read.map(|Query(value)| Self(value))
            .map_err(|error| Problem::invalid("query", "wrong type or repeated").because(error))
    }
}

/// A `limit` as the caller wrote it: an integer from 1, capped silently.
///
/// # Errors
/// 400 when it is something else.
pub fn page_limit(text: Option<&str>, default: u32, max: u32) -> Result<u32> {
    let Some(text) = text else { return Ok(default) };
    let digits = text.trim_start_matches('0');
    if digits.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Problem::invalid("limit", "an integer from 1"));
    }
    Ok(digits.parse().unwrap_or(max).min(max))
}

/// What the choke point has put into every request's extensions.
macro_rules! from_extensions {
    ($type:ty, $missing:expr) => {
        impl<S: Send + Sync> FromRequestParts<S> for $type {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
                parts.extensions.get::<Self>().cloned().ok_or_else($missing)
            }
        }
    };
}

from_extensions!(Subject, || Problem::unauthorized("unauthorized"));
from_extensions!(Now, || Problem::bug("the choke point was passed by"));
from_extensions!(Invocation, || Problem::bug("the choke point was passed by"));
from_extensions!(Origin, || Problem::bug("the choke point was passed by"));
from_extensions!(Conditional, || Problem::bug("the endpoint declares no cache class"));

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Body {
        #[serde(rename = "n")]
        _n: u32,
    }

    fn refusal(json: &str) -> (&'static str, String) {
        let problem = read_json::<Body>(json.as_bytes()).unwrap_err();
        (problem.code(), problem.to_string())
    }

    #[test]
    fn what_is_not_json_and_what_is_another_type_are_told_apart() {
        for text in ["{", "not json", "{\"n\":1}x", "\u{0}"] {
            let code = refusal(text).0;
            assert!(["parse_error", "validation_failed"].contains(&code), "{text}");
        }
        for text in ["", "{}", "[]", "{\"n\":\"1\"}", "{\"n\":-1}", "{\"n\":1,\"n\":2}"] {
            assert_eq!(refusal(text).0, "validation_failed", "{text}");
        }
        assert_eq!(refusal("{\"n\":99999999999999999999}").0, "validation_failed");
        assert!(read_json::<Body>(b"{\"n\":1,\"other\":true}").is_ok());
    }

    #[test]
    fn json_of_another_type_is_not_called_unreadable() {
        #[derive(Debug, Deserialize)]
        #[serde(rename_all = "lowercase")]
        enum Kind {
            Known,
        }
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "only whether it reads matters")]
        struct Typed {
            kind: Kind,
            text: Option<String>,
            any: Option<serde_json::Value>,
        }
        let read = |json: &str| {
            let problem = read_json::<Typed>(json.as_bytes()).err();
            problem.map(|problem| problem.code())
        };
        assert_eq!(read(r#"{"kind":"known"}"#), None);
        for kind in ["1", "null", "[]", "[\"known\"]", "true", "\"other\""] {
            let json = format!(r#"{{"kind":{kind}}}"#);
            assert_eq!(read(&json), Some("validation_failed"), "{json}");
            let cut = json.trim_end_matches('}');
            assert_eq!(read(cut), Some("parse_error"), "{cut}");
        }
        let deep = format!(r#"{{"kind":"known","any":{}{}}}"#, "[".repeat(200), "]".repeat(200));
        for json in
            [r#"{"kind":"known","text":"\ud800"}"#, r#"{"kind":"known","any":1e999}"#, &deep]
        {
            assert_eq!(read(json), Some("validation_failed"), "{json}");
        }
        assert_eq!(refusal("{\"n\":\"1\"}x").0, "parse_error");
    }

    #[test]
    fn a_list_is_no_structure_with_its_names_left_out() {
        for (text, code) in [
            ("[1]", "validation_failed"),
            (" \n[1]", "validation_failed"),
            ("[1", "parse_error"),
            ("[1]]", "parse_error"),
        ] {
            assert_eq!(refusal(text).0, code, "{text}");
        }
    }

    #[test]
    fn a_nul_is_seen_however_it_is_written() {
        assert!(has_nul(b"\"a\\u0000\""));
        assert!(has_nul(b"\"\\\\\\u0000\""));
        assert!(has_nul(&[b'"', 0, b'"']));
        assert!(!has_nul(b"\"\\\\u0000\""));
        assert!(!has_nul(b"\"\\u0001\""));
    }

    #[test]
    fn limits_are_capped_silently_and_never_below_one() {
        let limit = |text| page_limit(text, 50, 200).map_err(|problem| problem.code());
        assert_eq!(limit(None), Ok(50));
        assert_eq!(limit(Some("7")), Ok(7));
        assert_eq!(limit(Some("007")), Ok(7));
        for large in ["201", "99999999999999999999999"] {
            assert_eq!(limit(Some(large)), Ok(200));
        }
        for bad in ["", "0", "-1", "+1", "1.5", "ten", " 1", "1e3"] {
            assert_eq!(limit(Some(bad)), Err("validation_failed"), "{bad}");
        }
    }
}

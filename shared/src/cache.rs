//! Answers that need not be sent again.
//!
//! The validator of an answer is a strong hash of route, query, subject and whatever the answer
//! depends on: versions of items, the generation of a snapshot, facts that change with the clock.
//! A handler reads those first (one small request), and only when nothing matches does it build
//! the body. Bodies are kept per warm process; a body is never served without its validators
//! having been read anew, so that no stale answer outlives a committed change.
//!
//! What is read through a global index, or changes with the clock, has no such inputs to be
//! validated by: [`Conditional::by_body`] hashes what it shows.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use jiff::SignedDuration;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::clock::Instant;
use crate::http::{Answer, Subject};
use crate::problem::{Problem, Result};

/// How long and for whom an answer may be kept. A service declares its own classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheClass {
    /// By which its answers are counted.
    pub name: &'static str,
    /// Whose caches may keep it.
    pub scope: Scope,
    /// Must it be revalidated before each use?
    pub is_revalidated: bool,
    /// `max-age`, in seconds, if one is said.
    pub max_age_s: Option<u32>,
    /// How long this process keeps bodies, in seconds.
    pub kept_s: u32,
    /// Which request headers the answer depends on, beside `Origin`.
    pub vary: Option<&'static str>,
}

/// Whose caches may keep an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everybody's: it is nobody's own.
    Public,
    /// The caller's only.
    Private,
    /// Everybody's where the call has no subject, else the caller's.
    BySubject,
}

impl CacheClass {
    /// Nobody's own, good for so many seconds.
    #[must_use]
    pub const fn public(seconds: u32) -> Self {
        Self {
            name: "public",
            scope: Scope::Public,
            is_revalidated: false,
            max_age_s: Some(seconds),
            kept_s: 0,
            vary: None,
        }
    }

    /// The caller's own, revalidated before each use: `private, no-cache`. `vary` names the
    /// headers that tell callers apart.
    #[must_use]
    pub const fn private(vary: &'static str) -> Self {
        Self {
            name: "private",
            scope: Scope::Private,
            is_revalidated: true,
            max_age_s: None,
            kept_s: 0,
            vary: Some(vary),
        }
    }

    /// The `Cache-Control` of a 200.
    #[must_use]
    pub fn control(&self, has_subject: bool) -> String {
        let is_private = match self.scope {
            Scope::Public => false,
            Scope::Private => true,
            Scope::BySubject => has_subject,
        };
        let mut control = if is_private { "private" } else { "public" }.to_owned();
        if self.is_revalidated {
            control.push_str(", no-cache");
        }
        if let Some(seconds) = self.max_age_s {
            control.push_str(&format!(", max-age={seconds}"));
        }
        control
    }
}

pub(crate) const X_CACHE: HeaderName = HeaderName::from_static("x-cache");
const X_CACHE_AGE: HeaderName = HeaderName::from_static("x-cache-age");

/// Bodies kept by one process; beyond it, over-age ones are forgotten, or else the oldest.
const KEPT_MAX: usize = 500;

/// The last bodies of a process, by request.
#[derive(Clone, Debug, Default)]
pub struct Store(Arc<Mutex<HashMap<String, Kept>>>);

#[derive(Clone, Debug)]
struct Kept {
    etag: String,
    body: Bytes,
    at: Instant,
}

/// A request that may be answered without its body. Put into the request by the choke point.
#[derive(Clone, Debug)]
pub struct Conditional {
    class: CacheClass,
    request: String,
    has_subject: bool,
    if_none_match: Vec<String>,
    store: Store,
    now: Instant,
}

impl Conditional {
    pub(crate) fn new(
        class: CacheClass,
        parts: &Parts,
        subject: Option<&Subject>,
        now: Instant,
    ) -> Self {
        let mut query: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for pair in parts.uri.query().unwrap_or_default().split('&').filter(|p| !p.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            query.entry(name).or_default().push(value);
        }
        let caller = subject.map_or("∅".to_owned(), |subject| subject.telegram_id.to_string());
        Self {
            class,
            request: format!("{} {query:?} {caller}", parts.uri.path()),
            has_subject: subject.is_some(),
            if_none_match: if_none_match(&parts.headers),
            store: Store::default(),
            now,
        }
    }

    pub(crate) fn in_store(self, store: Store) -> Self {
        Self { store, ..self }
    }

    /// May the answer be known already, so that reading the validators alone first pays?
    #[must_use]
    pub fn may_be_known(&self) -> bool {
        !self.if_none_match.is_empty() || self.kept().is_some()
    }

    /// The validator of the answer that depends on `inputs`.
    #[must_use]
    pub fn validator(&self, inputs: &[&str]) -> Validator {
        let mut hash = Sha256::new();
        for part in std::iter::once(self.request.as_str()).chain(inputs.iter().copied()) {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let digest: Vec<u8> = hash.finalize().iter().copied().take(18).collect();
        Validator(format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest)))
    }

    /// The answer, if the caller or this process has it already.
    #[must_use]
    pub fn known(&self, validator: &Validator) -> Option<Response> {
        if let Some(response) = self.not_modified(validator) {
            return Some(response);
        }
        let kept = self.kept().filter(|kept| kept.etag == validator.0)?;
        let mut response = crate::http::json(kept.body);
        self.describe(validator, "HIT", response.headers_mut());
        let age = self.now.since(kept.at).as_secs().max(0);
        response.headers_mut().insert(X_CACHE_AGE, age.into());
        Some(response)
    }

    fn not_modified(&self, validator: &Validator) -> Option<Response> {
        if !self.if_none_match.iter().any(|tag| tag == "*" || strong(tag) == validator.0) {
            return None;
        }
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        self.describe(validator, "HIT-304", response.headers_mut());
        Some(response)
    }

    /// A newly built answer, which this process keeps.
    ///
    /// # Errors
    /// A bug, when the body does not serialise.
    pub fn fresh<T: Serialize>(&self, validator: &Validator, body: &T) -> Answer {
        let body = crate::http::bytes_of(body)?;
        self.keep(Kept { etag: validator.0.clone(), body: body.clone(), at: self.now });
        let mut response = crate::http::json(body);
        self.describe(validator, "MISS", response.headers_mut());
        Ok(response)
    }

    /// The answer that depends on `inputs`: as the caller or this process has it already, else
    /// made of `body`, which does not begin before.
    ///
    /// # Errors
    /// What `body` fails with; a bug, when it does not serialise.
    pub async fn answer<T: Serialize>(
        &self,
        inputs: &[&str],
        body: impl Future<Output = Result<T>>,
    ) -> Answer {
        let validator = self.validator(inputs);
        match self.known(&validator) {
            Some(response) => Ok(response),
            None => self.fresh(&validator, &body.await?),
        }
    }

    /// A newly built answer that is validated by what it shows: its body, and whatever stands
    /// `beside` it, such as headers that change while the body does not.
    ///
    /// # Errors
    /// A bug, when the body does not serialise.
    pub fn by_body<T: Serialize>(&self, body: &T, beside: &[&str]) -> Answer {
        let text = serde_json::to_string(body).map_err(Problem::bug)?;
        let validator = self.validator(&[&[text.as_str()], beside].concat());
        if let Some(response) = self.not_modified(&validator) {
            return Ok(response);
        }
        let mut response = crate::http::json(text.into());
        self.describe(&validator, "MISS", response.headers_mut());
        Ok(response)
    }

    fn describe(&self, validator: &Validator, outcome: &'static str, headers: &mut HeaderMap) {
        let control = self.class.control(self.has_subject);
        for (name, value) in [(header::ETAG, &validator.0), (header::CACHE_CONTROL, &control)] {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        }
        if let Some(vary) = self.class.vary {
            headers.insert(header::VARY, HeaderValue::from_static(vary));
        }
        headers.insert(X_CACHE, HeaderValue::from_static(outcome));
    }

    fn kept(&self) -> Option<Kept> {
        let store = self.store.0.lock().unwrap_or_else(PoisonError::into_inner);
        store.get(&self.request).filter(|kept| self.is_young(kept)).cloned()
    }

    fn keep(&self, kept: Kept) {
        if self.class.kept_s == 0 {
            return;
        }
        let mut store = self.store.0.lock().unwrap_or_else(PoisonError::into_inner);
        if store.len() >= KEPT_MAX && !store.contains_key(&self.request) {
            store.retain(|_, kept| self.is_young(kept));
            let oldest = store.iter().min_by_key(|(_, kept)| kept.at);
            let oldest = oldest.map(|(request, _)| request.clone());
            if let Some(oldest) = oldest.filter(|_| store.len() >= KEPT_MAX) {
                store.remove(&oldest);
            }
        }
        store.insert(self.request.clone(), kept);
    }

    fn is_young(&self, kept: &Kept) -> bool {
        self.now.since(kept.at) < SignedDuration::from_secs(self.class.kept_s.into())
    }
}

/// A strong entity tag, quotes included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validator(String);

/// The tags of `If-None-Match` (RFC 9110 §13.1.2), `*` among them.
fn if_none_match(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(split_tags)
        .collect()
}

/// Splits a list of entity tags; a comma inside quotes belongs to its tag.
fn split_tags(list: &str) -> Vec<String> {
    let mut tags = vec![String::new()];
    let mut quoted = false;
    for character in list.chars() {
        match character {
            ',' if !quoted => tags.push(String::new()),
            _ => {
                quoted ^= character == '"';
                if let Some(tag) = tags.last_mut() {
                    tag.push(character);
                }
            }
        }
    }
    tags.iter().map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty()).collect()
}

/// `If-None-Match` compares weakly: `W/` does not matter.
fn strong(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;

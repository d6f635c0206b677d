//! `Idempotency-Key`: the same key gives the same answer.
//!
//! Key, effect and answer commit in one transaction, so nothing is ever "in progress" after a
//! crash. The loser of a race finds the winner's record among the reasons of its refusal and
//! answers from it. Where the answer needs a provider, the record names the entity that was
//! committed with the intent instead, and a replay answers from that entity.
//!
//! What a key is and what it stands for is the service's own: [`crate::http::KeyRules`].

use axum::extract::FromRequestParts;
use axum::response::IntoResponse as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::clock::Instant;
use crate::http::{Answer, KeyRules, KeyScope, Subject};
use crate::problem::{Problem, Result};
use crate::table::{Entity, Item, Key, Write};

/// How long a key is remembered.
const TTL: SignedDuration = SignedDuration::from_hours(24);
/// The name of the record's write in a transaction. It should be the first write: a replay
/// usually fails the effect's own conditions, too.
pub const WRITE: &str = "idempotency";

/// What a key is judged and bound by, put into the request by the choke point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyContext {
    pub(crate) rules: KeyRules,
    /// The endpoint's path with its `{parameters}`.
    pub(crate) route: &'static str,
    pub(crate) body: [u8; 32],
}

pub(crate) fn digest_of(body: &[u8]) -> [u8; 32] {
    Sha256::digest(body).into()
}

/// The key that a request brought.
pub(crate) fn key_in(headers: &HeaderMap) -> Option<&HeaderValue> {
    ["idempotency-key", "x-idempotency-key"].iter().find_map(|name| headers.get(*name))
}

/// The request's idempotency key, if it brought one. An extractor.
#[derive(Clone, Debug)]
pub struct Idempotency(Option<Keyed>);

#[derive(Clone, Debug)]
struct Keyed {
    /// Subject, method, what else the key is bound to, and the key, hashed.
    id: String,
    /// What must be the same under the same key, hashed.
    request: String,
}

/// What was stored under a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    id: String,
    request: String,
    outcome: Outcome,
    expires_at: Instant,
}

/// What a replay answers from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The stored answer.
    Answer {
        /// Its status.
        status: u16,
        /// Its JSON body.
        body: String,
    },
    /// The entity that was committed with the intent.
    Entity(String),
}

impl Entity for Record {
    const KIND: &'static str = "Idempotency";

    fn key(&self) -> Key {
        key_of(&self.id)
    }

    fn expires_at(&self) -> Option<Instant> {
        Some(self.expires_at)
    }
}

fn key_of(id: &str) -> Key {
    Key::new(format!("IDEMPOTENCY#{id}"), "IDEMPOTENCY")
}

impl Idempotency {
    /// A request without a key.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// Where the record is, to be read together with what else the use case reads.
    #[must_use]
    pub fn key(&self) -> Option<Key> {
        self.0.as_ref().map(|keyed| key_of(&keyed.id))
    }

    /// The write that stores the answer with the effect.
    #[must_use]
    pub fn saving(&self, status: StatusCode, body: &str, now: Instant) -> Option<Write> {
        let outcome = Outcome::Answer { status: status.as_u16(), body: body.to_owned() };
        self.record(outcome, now, "attribute_not_exists(#pk) OR #expires_at <= :now")
    }

    /// The write that ties the key to the entity which the intent makes. A key that is tied to
    /// `replaced`, whose try failed, is tied anew.
    #[must_use]
    pub fn naming(&self, entity: &str, replaced: Option<&str>, now: Instant) -> Option<Write> {
        let free = "attribute_not_exists(#pk) OR #expires_at <= :now";
        let outcome = Outcome::Entity(entity.to_owned());
        match replaced {
            None => self.record(outcome, now, free),
            Some(replaced) => {
                let condition = format!("{free} OR #outcome = :replaced");
                self.record(outcome, now, &condition)
                    .map(|write| write.bind(":replaced", Outcome::Entity(replaced.to_owned())))
            }
        }
    }

    fn record(&self, outcome: Outcome, now: Instant, condition: &str) -> Option<Write> {
        let keyed = self.0.clone()?;
        let record =
            Record { id: keyed.id, request: keyed.request, outcome, expires_at: now + TTL };
        Some(Write::put(WRITE, &record).when(condition).bind(":now", now))
    }

    /// What to replay, given the record that was found under the key.
    ///
    /// # Errors
    /// 422 `idempotency_mismatch` when the key was used for another request.
    pub fn replay(&self, found: Option<&Record>, now: Instant) -> Result<Option<Outcome>> {
        let (Some(keyed), Some(record)) = (&self.0, found) else { return Ok(None) };
        if record.expires_at <= now {
            return Ok(None); // TTL deletes late
        }
        if record.request != keyed.request {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            let error = "Idempotency key reuse";
            return Err(Problem::neutral(status, "idempotency_mismatch", error));
        }
        Ok(Some(record.outcome.clone()))
    }

    /// The same for the item that refused the write [`WRITE`].
    ///
    /// # Errors
    /// 422 as [`Idempotency::replay`]; a bug when the item is no record.
    pub fn replay_item(&self, found: Option<&Item>, now: Instant) -> Result<Option<Outcome>> {
        let record = found.map(Item::read::<Record>).transpose().map_err(Problem::bug)?;
        self.replay(record.as_ref(), now)
    }
}

/// A stored answer, marked as a replay.
///
/// # Errors
/// A bug, when what is stored is no status.
pub fn replayed(status: u16, body: String) -> Answer {
    let status = StatusCode::from_u16(status).map_err(Problem::bug)?;
    let mut response = match body.is_empty() {
        true => status.into_response(),
        false => crate::http::json(body.into()),
    };
    *response.status_mut() = status;
    mark_replayed(&mut response);
    Ok(response)
}

/// Marks an answer made from the entity of an earlier try.
pub fn mark_replayed(response: &mut axum::response::Response) {
    response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
}

impl<S: Send + Sync> FromRequestParts<S> for Idempotency {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let Some(key) = key_in(&parts.headers) else { return Ok(Self(None)) };
        let context = parts.extensions.get::<KeyContext>().copied();
        let context = context.ok_or_else(|| Problem::bug("the choke point was passed by"))?;
        let says = context.rules.says;
        let key = key.to_str().ok().filter(|key| is_key(key, context.rules));
        let key = key.ok_or_else(|| Problem::invalid("Idempotency-Key", says))?;
        let subject = parts.extensions.get::<Subject>();
        let subject = subject.map(|subject| subject.telegram_id.to_string()).unwrap_or_default();
        let path = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
        let body = URL_SAFE_NO_PAD.encode(context.body);
        let (bound, request) = match context.rules.scope {
            KeyScope::Path => (path.as_str(), body),
            KeyScope::Route => (context.route, digest(&[&path, &body])),
        };
        let id = digest(&[&subject, parts.method.as_str(), bound, key]);
        Ok(Self(Some(Keyed { id, request })))
    }
}

fn is_key(key: &str, rules: KeyRules) -> bool {
    (1..=255).contains(&key.len()) && key.bytes().all(rules.takes)
}

fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part.as_bytes());
    }
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;
    use crate::table::{Table, testing};

    fn keyed(request: &str) -> Idempotency {
        Idempotency(Some(Keyed { id: "k".to_owned(), request: request.to_owned() }))
    }

    fn at(hours: i64) -> Instant {
        Instant::from_seconds(1_768_900_000 + hours * 3_600)
    }

    async fn count(table: &Table, key: &Idempotency, now: Instant) -> Result<Option<Outcome>> {
        let mut writes: Vec<_> = key.saving(StatusCode::OK, "{}", now).into_iter().collect();
        writes.push(Write::update("effect", Key::new("COUNT", "COUNT")).add("n", 1));
        match table.transact(writes).await {
            Ok(()) => Ok(None),
            Err(error) => key.replay_item(error.refusal()?.old(WRITE), now),
        }
    }

    async fn counted(table: &Table) -> Option<i64> {
        table
            .get_item(&Key::new("COUNT", "COUNT"))
            .await
            .unwrap()
            .and_then(|item| item.integer("n"))
    }

    #[tokio::test]
    async fn sixty_four_calls_have_one_effect_and_one_answer() {
        let table = testing::table().await;
        let key = keyed("same");
        let outcomes = join_all((0..64).map(|_| count(&table, &key, at(0)))).await;
        let first = outcomes.iter().filter(|outcome| outcome.as_ref().unwrap().is_none()).count();
        assert_eq!((first, counted(&table).await), (1, Some(1)));
    }

    #[tokio::test]
    async fn another_body_is_refused_and_an_old_key_is_free() {
        let table = testing::table().await;
        count(&table, &keyed("one"), at(0)).await.unwrap();
        let other = count(&table, &keyed("two"), at(1)).await.unwrap_err();
        assert_eq!(
            (other.status(), other.code()),
            (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_mismatch")
        );
        assert_eq!(count(&table, &keyed("two"), at(24)).await.unwrap(), None);
        assert_eq!(counted(&table).await, Some(2));
    }

    #[tokio::test]
    async fn a_failed_entity_makes_way_for_one_other() {
        let table = testing::table().await;
        let key = keyed("same");
        let tie = |entity: &'static str, replaced| {
            table.transact(key.naming(entity, replaced, at(0)).into_iter().collect())
        };
        tie("first", None).await.unwrap();
        assert!(tie("second", None).await.is_err());
        tie("second", Some("first")).await.unwrap();
        assert!(tie("third", Some("first")).await.is_err());
    }

    #[test]
    fn keys_are_of_the_service_s_alphabet_and_of_a_bounded_length() {
        let takes = |byte: u8| byte.is_ascii_alphanumeric();
        let rules = KeyRules { takes, says: "", scope: KeyScope::Path };
        assert!(is_key("aZ9", rules) && is_key(&"x".repeat(255), rules));
        for bad in ["", "a b", "ключ", "a\u{0}", &"x".repeat(256)] {
            assert!(!is_key(bad, rules), "{bad}");
        }
    }

    async fn read(rules: KeyRules, uri: &str, body: &[u8]) -> Keyed {
        let request = http::Request::post(uri).header("idempotency-key", "k").body(()).unwrap();
        let (mut parts, ()) = request.into_parts();
        let context = KeyContext { rules, route: "/orders/{id}", body: digest_of(body) };
        parts.extensions.insert(context);
        Idempotency::from_request_parts(&mut parts, &()).await.unwrap().0.unwrap()
    }

    #[tokio::test]
    async fn a_key_is_bound_to_a_path_or_to_a_route() {
        let rules = |scope| KeyRules { takes: |_| true, says: "", scope };
        for (scope, same_key) in [(KeyScope::Path, false), (KeyScope::Route, true)] {
            let one = read(rules(scope), "/orders/1", b"{}").await;
            let other = read(rules(scope), "/orders/2", b"{}").await;
            assert_eq!(one.id == other.id, same_key);
            // Another path is either another key or another request under the same one.
            assert_eq!(one.request != other.request, same_key);
            let body = read(rules(scope), "/orders/1", b"").await;
            assert!(one.id == body.id && one.request != body.request);
        }
    }
}

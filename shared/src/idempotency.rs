//! `Idempotency-Key`: the same key gives the same answer.
//!
//! Key, effect and answer commit in one transaction, so nothing is ever "in progress" after a
//! crash. The loser of a race finds the winner's record among the reasons of its refusal and
//! answers from it. Where the answer needs a provider, the record names the entity that was
//! committed with the intent instead, and a replay answers from that entity.

use axum::extract::FromRequestParts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::clock::Instant;
use crate::http::{Answer, Subject};
use crate::problem::{Problem, Result, texts};
use crate::table::{Entity, Item, Key, Write};

/// How long a key is remembered.
const TTL: SignedDuration = SignedDuration::from_hours(24);
/// The name of the record's write in a transaction. It should be the first write: a replay
/// usually fails the effect's own conditions, too.
pub const WRITE: &str = "idempotency";

/// The digest of a request's body, put into the request by the choke point.
#[derive(Clone, Debug)]
pub(crate) struct BodyDigest(pub(crate) [u8; 32]);

impl BodyDigest {
    pub(crate) fn of(body: &[u8]) -> Self {
        Self(Sha256::digest(body).into())
    }
}

/// The request's idempotency key, if it brought one. An extractor.
#[derive(Clone, Debug)]
pub struct Idempotency(Option<Keyed>);

#[derive(Clone, Debug)]
struct Keyed {
    /// Subject, method, path with query, and the caller's key, hashed.
    id: String,
    /// The body, hashed.
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
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_mismatch",
                "Idempotency key reuse",
                texts::IDEMPOTENCY,
            ));
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
    let mut response = crate::http::json(body.into());
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
        let names = ["idempotency-key", "x-idempotency-key"];
        let Some(key) = names.iter().find_map(|name| parts.headers.get(*name)) else {
            return Ok(Self(None));
        };
        let key = key.to_str().ok().filter(|key| is_key(key)).ok_or_else(|| {
            Problem::invalid("Idempotency-Key", "must be 1 to 255 of A-Z a-z 0-9 _ -")
        })?;
        let subject = parts.extensions.get::<Subject>();
        let subject = subject.map(|subject| subject.telegram_id.to_string()).unwrap_or_default();
        let path = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
        let body = parts.extensions.get::<BodyDigest>();
        let body = body.ok_or_else(|| Problem::bug("the choke point was passed by"))?;
        Ok(Self(Some(Keyed {
            id: digest(&[&subject, parts.method.as_str(), &path, key]),
            request: URL_SAFE_NO_PAD.encode(body.0),
        })))
    }
}

fn is_key(key: &str) -> bool {
    (1..=255).contains(&key.len())
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
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
    fn keys_are_visible_words() {
        assert!(is_key("a-Z_9"));
        for bad in ["", "a b", "ключ", "a\u{0}", &"x".repeat(256)] {
            assert!(!is_key(bad), "{bad}");
        }
    }
}

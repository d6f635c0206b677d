//! `Idempotency-Key`: the same key gives the same answer.
//!
//! Key, effect and answer commit in one transaction, so nothing is ever "in progress" after a
//! crash. The loser of a race finds the winner's record among the reasons of its refusal and
//! answers from it. Where the answer needs a provider, the record names the entity that was
//! committed with the intent instead, and a replay answers from that entity.
//!
//! What a key is and what it stands for is the service's own: [`crate::http::KeyRules`].
//!
//! An endpoint may take a call *without* a key for a duplicate, too, for clients that repeat
//! themselves without one ([`crate::function::Declared::merging`]): what an equal call of the same
//! subject has brought about is its answer for a while, and each duplicate begins that while anew.
//! It is the same record, under the call itself in the place of a key, so that handlers do nothing
//! else for it than answer by [`Idempotency::repeated`].

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse as _, Response};
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
use crate::retry::Round;
use crate::table::{Entity, Item, Key, Refusal, Rows, TTL_ATTRIBUTE, Table, Write, WriteError};

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
    /// How long an equal call without a key is a duplicate, if at all.
    pub(crate) merges: Option<SignedDuration>,
    pub(crate) body: [u8; 32],
}

pub(crate) fn digest_of(body: &[u8]) -> [u8; 32] {
    Sha256::digest(body).into()
}

/// The key that a request brought.
pub(crate) fn key_in(headers: &HeaderMap) -> Option<&HeaderValue> {
    ["idempotency-key", "x-idempotency-key"].iter().find_map(|name| headers.get(*name))
}

/// The request's idempotency key, if it brought one, or what stands in for it where the endpoint
/// merges equal calls without. An extractor.
#[derive(Clone, Debug)]
pub struct Idempotency(Option<Keyed>);

#[derive(Clone, Debug)]
struct Keyed {
    /// Subject, method, what else the key is bound to, and the key, hashed.
    id: String,
    /// What must be the same under the same key, hashed.
    request: String,
    /// How long it is remembered.
    kept: Kept,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    /// From the effect on.
    Once(SignedDuration),
    /// From the effect, or from the last duplicate.
    Anew(SignedDuration),
}

impl Kept {
    fn until(self, now: Instant) -> Instant {
        match self {
            Self::Once(time) | Self::Anew(time) => now + time,
        }
    }
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
        let expires_at = keyed.kept.until(now);
        let record = Record { id: keyed.id, request: keyed.request, outcome, expires_at };
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

    /// The same for the record that refused the write [`WRITE`], if it is among what was refused.
    ///
    /// # Errors
    /// 422 as [`Idempotency::replay`]; a bug when the item is no record.
    pub fn replay_refusal(&self, refusal: &Refusal, now: Instant) -> Result<Option<Outcome>> {
        let record = refusal.old(WRITE).map(Item::read::<Record>).transpose();
        self.replay(record.map_err(Problem::bug)?.as_ref(), now)
    }

    /// The answer of a call that came before, if it is among `rows`, which were read with what is
    /// under [`Idempotency::key`].
    ///
    /// # Errors
    /// As [`Idempotency::replay`] and [`Idempotency::repeated`].
    pub async fn before(
        &self,
        table: &Table,
        rows: &Rows,
        now: Instant,
    ) -> Result<Option<Response>> {
        let record: Option<Record> = self.key().map_or(Ok(None), |at| rows.get(&at))?;
        self.answer_of(table, self.replay(record.as_ref(), now)?, now).await
    }

    /// The same where nothing else is read. One read, where there is a key.
    ///
    /// # Errors
    /// As [`Idempotency::before`].
    pub async fn look(&self, table: &Table, now: Instant) -> Result<Option<Response>> {
        let Some(at) = self.key() else { return Ok(None) };
        let record: Option<Record> = table.get(&at).await?;
        self.answer_of(table, self.replay(record.as_ref(), now)?, now).await
    }

    /// Ends a round: commits `effect` together with its answer, a 200, or answers as the call under
    /// the same key did that came first. Where something else refused, the round is stale. One
    /// transaction, if there is anything to write.
    ///
    /// # Errors
    /// As [`Idempotency::before`]; a bug, when the answer does not serialise.
    pub async fn commit<T: Serialize>(
        &self,
        table: &Table,
        answer: &T,
        effect: Vec<Write>,
        now: Instant,
    ) -> Result<Round<Response>> {
        let body = serde_json::to_string(answer).map_err(Problem::bug)?;
        // The key comes first: a replay fails the effect's own conditions, too.
        let saved = self.saving(StatusCode::OK, &body, now);
        let writes: Vec<Write> = saved.into_iter().chain(effect).collect();
        if !writes.is_empty()
            && let Err(error) = table.transact(writes).await
        {
            return self.after(table, &error.refusal()?, now).await;
        }
        Ok(Round::Done(crate::http::json(body.into())))
    }

    /// Ends a round whose writes were refused: with the answer that a call under the same key has
    /// stored meanwhile, or to read anew.
    ///
    /// # Errors
    /// As [`Idempotency::before`].
    pub async fn after(
        &self,
        table: &Table,
        refusal: &Refusal,
        now: Instant,
    ) -> Result<Round<Response>> {
        let answer = self.answer_of(table, self.replay_refusal(refusal, now)?, now).await?;
        Ok(answer.map_or(Round::Stale, Round::Done))
    }

    async fn answer_of(
        &self,
        table: &Table,
        outcome: Option<Outcome>,
        now: Instant,
    ) -> Result<Option<Response>> {
        match outcome {
            Some(outcome) => self.repeated(table, outcome, now).await.map(Some),
            None => Ok(None),
        }
    }

    /// The stored answer to a call that came before, marked as a replay. For a call without a key
    /// it begins the time of duplicates anew, by one write; a key costs nothing.
    ///
    /// # Errors
    /// A bug, when what is stored names an entity: a replay of that is the use case's own. 503
    /// when the store does not answer, as the next duplicate would then count as a new call.
    async fn repeated(&self, table: &Table, outcome: Outcome, now: Instant) -> Answer {
        let Outcome::Answer { status, body } = outcome else {
            return Err(Problem::bug("a key without its answer"));
        };
        self.prolong(table, now).await?;
        replayed(status, body)
    }

    async fn prolong(&self, table: &Table, now: Instant) -> Result<()> {
        let Some(Keyed { id, kept: kept @ Kept::Anew(_), .. }) = &self.0 else { return Ok(()) };
        let until = kept.until(now);
        let write = Write::update(WRITE, key_of(id))
            .set("expires_at", until)
            .set(TTL_ATTRIBUTE, until.seconds())
            // What is over may stand for another call by now; a later duplicate was here already.
            .when("#expires_at > :now AND #expires_at < :until")
            .bind(":now", now)
            .bind(":until", until);
        match table.write(write).await {
            Ok(_) | Err(WriteError::Refused(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// A stored answer, marked as a replay.
///
/// # Errors
/// A bug, when what is stored is no status.
fn replayed(status: u16, body: String) -> Answer {
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
pub fn mark_replayed(response: &mut Response) {
    response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
}

impl<S: Send + Sync> FromRequestParts<S> for Idempotency {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let context = parts.extensions.get::<KeyContext>().copied();
        let Some(key) = key_in(&parts.headers) else {
            let merged = context.and_then(|context| Some((context, context.merges?)));
            return Ok(Self(merged.map(|(context, time)| keyless(parts, context, time))));
        };
        let context = context.ok_or_else(|| Problem::bug("the choke point was passed by"))?;
        let says = context.rules.says;
        let key = key.to_str().ok().filter(|key| is_key(key, context.rules));
        let key = key.ok_or_else(|| Problem::invalid("Idempotency-Key", says))?;
        let [subject, path, body] = call_of(parts, context);
        let (bound, request) = match context.rules.scope {
            KeyScope::Path => (path.as_str(), body),
            KeyScope::Route => (context.route, digest(&[&path, &body])),
        };
        let id = digest(&[&subject, parts.method.as_str(), bound, key]);
        Ok(Self(Some(Keyed { id, request, kept: Kept::Once(TTL) })))
    }
}

/// A call without a key stands for itself: no call with a key, nor another one without, has its id.
fn keyless(parts: &Parts, context: KeyContext, time: SignedDuration) -> Keyed {
    let [subject, path, body] = call_of(parts, context);
    let id = digest(&["keyless", &subject, parts.method.as_str(), &path, &body]);
    Keyed { request: id.clone(), id, kept: Kept::Anew(time) }
}

/// Who calls, the concrete path with its query, and the body's hash.
fn call_of(parts: &Parts, context: KeyContext) -> [String; 3] {
    let subject = parts.extensions.get::<Subject>();
    let subject = subject.map(|subject| subject.telegram_id.to_string()).unwrap_or_default();
    let path = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    [subject, path, URL_SAFE_NO_PAD.encode(context.body)]
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
#[path = "idempotency_tests.rs"]
mod tests;

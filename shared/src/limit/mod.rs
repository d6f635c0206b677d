//! Rate limits: one token bucket per class and caller.
//!
//! The bucket is kept as the instant at which it will be full again (the generic cell rate
//! algorithm): taking a token moves that instant on by one interval, and is refused when it would
//! lie more than a whole bucket ahead. That is one number, and one conditional update.
//!
//! Classes that guard money, sign-in and writes are exact: their buckets are items, each in a
//! partition of its own, so that one caller's flood throttles nobody else. Read classes are kept
//! in the warm process and cost no request. A refusal is remembered in the process either way.

mod class;
mod network;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use jiff::SignedDuration;

pub use class::{Counts, Kept, LimitClass};
use network::Network;

use crate::clock::Instant;
use crate::problem::{Problem, Result};
use crate::settings::{Environment, SettingError};
use crate::table::{Key, TTL_ATTRIBUTE, Table, Write, WriteError};

/// So many tokens, refilled within so many seconds; written `5/60`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    tokens: u32,
    seconds: u32,
}

impl FromStr for Bucket {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (tokens, seconds) = text.split_once('/').ok_or(())?;
        let positive = |part: &str| part.parse::<u32>().ok().filter(|n| *n > 0).ok_or(());
        Ok(Self { tokens: positive(tokens)?, seconds: positive(seconds)? })
    }
}

impl Bucket {
    fn window(self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.seconds))
    }

    /// How long one token takes to come back, rounded up to a whole millisecond, since that is
    /// how finely instants are kept.
    fn interval(self) -> SignedDuration {
        let millis = (u64::from(self.seconds) * 1000).div_ceil(u64::from(self.tokens));
        SignedDuration::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
    }

    /// The latest `full_at` from which a token may still be taken at `now`.
    fn latest(self, now: Instant) -> Instant {
        now + self.interval() * i32::try_from(self.tokens - 1).unwrap_or(i32::MAX)
    }

    /// What a caller is told when the bucket will be full at `full_at`.
    fn allowance(self, full_at: Instant, now: Instant) -> Allowance {
        let ahead = full_at.since(now).as_millis().max(0);
        let used = ahead.div_euclid(self.interval().as_millis().max(1))
            + i128::from(ahead.rem_euclid(self.interval().as_millis().max(1)) > 0);
        let used = u32::try_from(used).unwrap_or(u32::MAX);
        Allowance {
            limit: self.tokens,
            remaining: self.tokens.saturating_sub(used),
            reset_at: full_at,
        }
    }
}

/// What is left of a caller's bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    limit: u32,
    /// Tokens left.
    pub remaining: u32,
    reset_at: Instant,
}

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

impl Allowance {
    /// Where no limit applies; writes no headers.
    pub(crate) fn unlimited() -> Self {
        Self { limit: 0, remaining: 0, reset_at: Instant::from_millis(0) }
    }

    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        if self.limit == 0 {
            return;
        }
        headers.insert(LIMIT, self.limit.into());
        headers.insert(REMAINING, self.remaining.into());
        headers.insert(RESET, self.reset_at.millis().into());
    }
}

/// The limits of a service.
#[derive(Clone, Debug)]
pub struct Limiter {
    table: Table,
    buckets: Arc<HashMap<&'static str, Bucket>>,
    trusted: Arc<Vec<Network>>,
    warm: Arc<Mutex<Warm>>,
}

/// Callers remembered by one process; beyond it, those with full buckets are forgotten.
const WARM_MAX: usize = 10_000;

impl Limiter {
    /// The limits of these classes, by the settings `RATE_…`.
    ///
    /// # Errors
    /// When one is malformed.
    pub fn from_environment(
        environment: &Environment,
        table: Table,
        classes: &[LimitClass],
    ) -> Result<Self, SettingError> {
        let mut buckets = HashMap::new();
        for class in classes {
            let default = Bucket { tokens: class.tokens, seconds: class.seconds };
            buckets.insert(class.name, environment.parse(&class.setting(), default)?);
        }
        let cidrs = environment.get("RATE_TRUSTED_CIDRS").unwrap_or_default();
        let malformed = |()| SettingError::Malformed("RATE_TRUSTED_CIDRS".to_owned());
        let trusted = cidrs.split(',').filter(|cidr| !cidr.trim().is_empty());
        let trusted = trusted.map(|cidr| cidr.trim().parse().map_err(malformed));
        Ok(Self {
            table,
            buckets: Arc::new(buckets),
            trusted: Arc::new(trusted.collect::<Result<_, _>>()?),
            warm: Arc::default(),
        })
    }

    /// Are calls from this address exempt from limits by address?
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.holds(address))
    }

    /// Takes one token of an exact class on behalf of a handler that counts by another key than
    /// the choke point would. Metered as the choke point's.
    ///
    /// # Errors
    /// As [`Limiter::take`].
    pub async fn count(&self, class: &LimitClass, key: &str, now: Instant) -> Result<()> {
        crate::meter::as_choke(self.take(class, key, true, now)).await.map(|_| ())
    }

    /// Takes one token. At most two requests for an exact class, none for a read.
    ///
    /// # Errors
    /// 429 when the bucket is empty; 503 when it cannot be reached and the class guards
    /// something that matters.
    pub async fn take(
        &self,
        class: &LimitClass,
        key: &str,
        mutates: bool,
        now: Instant,
    ) -> Result<Allowance> {
        let Some(bucket) = self.buckets.get(class.name).copied() else {
            return Err(Problem::bug(format!("the service does not list {}", class.name)));
        };
        if !class.is_exact(mutates) {
            let taken = self.take_warm(class, bucket, key, now);
            return match taken {
                Taken::Token(full_at) => Ok(bucket.allowance(full_at, now)),
                Taken::Nothing(full_at) => Err(refused(bucket, full_at, now)),
            };
        }
        let warm = lock(&self.warm).get(&(class.name, key.to_owned())).copied();
        if let Some(full_at) = warm.filter(|full_at| *full_at > bucket.latest(now)) {
            return Err(refused(bucket, full_at, now));
        }
        match self.take_exact(class, bucket, key, now).await {
            Ok(Taken::Token(full_at)) => Ok(bucket.allowance(full_at, now)),
            Ok(Taken::Nothing(full_at)) => {
                remember(&mut lock(&self.warm), class, key, full_at, now);
                Err(refused(bucket, full_at, now))
            }
            Err(error) if class.fails_closed => Err(error.into()),
            Err(error) => {
                tracing::warn!(%error, "limit not counted");
                Ok(Allowance::unlimited())
            }
        }
    }

    async fn take_exact(
        &self,
        class: &LimitClass,
        bucket: Bucket,
        key: &str,
        now: Instant,
    ) -> Result<Taken, WriteError> {
        let at = Key::new(format!("LIMIT#{}#{key}", class.setting()), "BUCKET");
        let ttl = (now + bucket.window() + bucket.window()).seconds();
        let latest = bucket.latest(now);
        let interval = i64::try_from(bucket.interval().as_millis()).unwrap_or(i64::MAX);
        // Most callers' buckets are full, so that case is tried first.
        for _ in 0..3 {
            let full = Write::update("bucket", at.clone())
                .set("full_at", now.millis() + interval)
                .set(TTL_ATTRIBUTE, ttl)
                .when("attribute_not_exists(#full_at) OR #full_at <= :now")
                .bind(":now", now.millis());
            let refusal = match self.table.write(full).await {
                Ok(_) => return Ok(Taken::Token(Instant::from_millis(now.millis() + interval))),
                Err(error) => error.refusal()?,
            };
            let seen = refusal.old("bucket").and_then(|item| item.integer("full_at"));
            if let Some(full_at) = seen.filter(|full_at| *full_at > latest.millis()) {
                return Ok(Taken::Nothing(Instant::from_millis(full_at)));
            }
            let partly = Write::update("bucket", at.clone())
                .add("full_at", interval)
                .set(TTL_ATTRIBUTE, ttl)
                .when("#full_at > :now AND #full_at <= :latest")
                .bind(":now", now.millis())
                .bind(":latest", latest.millis());
            match self.table.write(partly).await {
                Ok(item) => {
                    let full_at = item.and_then(|item| item.integer("full_at"));
                    return Ok(Taken::Token(full_at.map_or(now, Instant::from_millis)));
                }
                Err(error) => {
                    let refusal = error.refusal()?;
                    let seen = refusal.old("bucket").and_then(|item| item.integer("full_at"));
                    if let Some(full_at) = seen.filter(|full_at| *full_at > latest.millis()) {
                        return Ok(Taken::Nothing(Instant::from_millis(full_at)));
                    }
                }
            }
        }
        Err(WriteError::Conflict)
    }

    /// Takes a token of the process's own bucket.
    fn take_warm(&self, class: &LimitClass, bucket: Bucket, key: &str, now: Instant) -> Taken {
        let mut warm = lock(&self.warm);
        let known = warm.get(&(class.name, key.to_owned())).copied();
        if let Some(full_at) = known.filter(|full_at| *full_at > bucket.latest(now)) {
            return Taken::Nothing(full_at);
        }
        let full_at = known.unwrap_or(now).max(now) + bucket.interval();
        remember(&mut warm, class, key, full_at, now);
        Taken::Token(full_at)
    }
}

type Warm = HashMap<(&'static str, String), Instant>;

fn lock(warm: &Mutex<Warm>) -> MutexGuard<'_, Warm> {
    warm.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remember(warm: &mut Warm, class: &LimitClass, key: &str, full_at: Instant, now: Instant) {
    let at = (class.name, key.to_owned());
    if warm.len() >= WARM_MAX && !warm.contains_key(&at) {
        warm.retain(|_, full_at| *full_at > now);
    }
    if warm.len() < WARM_MAX || warm.contains_key(&at) {
        warm.insert(at, full_at);
    }
}

enum Taken {
    Token(Instant),
    Nothing(Instant),
}

fn refused(bucket: Bucket, full_at: Instant, now: Instant) -> Problem {
    let wait = full_at.since(bucket.latest(now));
    let seconds = (wait.as_secs() + i64::from(wait.subsec_nanos() > 0)).max(1);
    let allowance = Allowance { remaining: 0, ..bucket.allowance(full_at, now) };
    let mut headers = HeaderMap::new();
    allowance.write(&mut headers);
    let status = StatusCode::TOO_MANY_REQUESTS;
    let problem = Problem::neutral(status, "too_many_requests", "Too Many Requests")
        .with("retryAfter", (now + wait).millis())
        .with_header(header::RETRY_AFTER, HeaderValue::from(seconds));
    headers.into_iter().fold(problem, |problem, (name, value)| match name {
        Some(name) => problem.with_header(name, value),
        None => problem,
    })
}

//! What a declaration says.

use std::collections::BTreeMap;

use http::Method;
use jiff::SignedDuration;
use serde_json::Value;

use super::ADMIN_SECRET;
use crate::cache::CacheClass;
use crate::http::Dress;
use crate::limit::LimitClass;
use crate::openapi::Docs;

/// Who may call an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anyone; no credential is looked at.
    Public,
    /// Anyone; a good credential is noticed, a bad one ignored.
    Anyone,
    /// Anyone; the handler checks the credential in the body itself (sign-in, refresh).
    SignIn,
    /// A member with a verified credential: launch data or a session.
    Member,
    /// The same, where existing clients may send launch data as the field `initData` of the body.
    /// The header wins; good launch data of somebody else beside it is refused.
    MemberOrBody,
    /// A user with verified launch data, in a service without sessions.
    User,
    /// Anyone, in a service without sessions; launch data that is missing or no good makes nobody
    /// of the caller. One of these query flags, if it is true, asks for what is the caller's own:
    /// beside it, launch data that is there and no good is refused.
    Visitor(&'static [&'static str]),
    /// Holders of the administrator's secret.
    Admin,
    /// A provider; the handler checks its signature with a secret that the function reads.
    Webhook,
}

/// What makes a function run.
#[derive(Clone, Debug)]
pub enum Trigger {
    /// A route of the service's HTTP API.
    Http(Endpoint),
    /// Messages of the queue of this name.
    Queue(&'static str),
    /// Changes of items of these kinds in the service's table.
    Stream(&'static [&'static str]),
    /// An EventBridge Scheduler expression, in UTC.
    Schedule(&'static str),
}

/// A route and the rules of its choke point.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The method; for `$default`, any.
    pub method: Method,
    /// The path with `{parameters}`, or `$default`.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// Its rate limit.
    pub limit: Option<LimitClass>,
    /// How its answers may be kept.
    pub cache: Option<CacheClass>,
    /// Within how long of its success, or of the last duplicate, a call without an idempotency key
    /// is a duplicate of an equal one; `None` where each call is one of its own.
    pub merges: Option<SignedDuration>,
    /// How its problems read, unless as the service's others do.
    pub dress: Option<Dress>,
    /// What the OpenAPI document says of bodies and parameters.
    pub docs: Docs,
}

/// Everything about a function but its code.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// The name of the function, its binary, its sample event and its template resource.
    pub name: &'static str,
    /// One line for people.
    pub summary: &'static str,
    /// What makes it run.
    pub trigger: Trigger,
    /// Must it be absent from stage `prod`?
    pub sandbox: bool,
    pub(super) needs: Vec<Need>,
}

/// A secret that a function reads in INIT.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need {
    secret: &'static str,
    when: When,
}

/// When a secret is read.
#[derive(Clone, Copy, Debug)]
pub(super) enum When {
    Always,
    /// Where this setting is set.
    With(&'static str),
    /// The same, of a secret that somebody else chose.
    Given(&'static str),
    /// Where it is set itself.
    Set,
}

/// The bot's token, `<digits>:<text>`.
const BOT_TOKEN: &str = "TELEGRAM_BOT_TOKEN";

impl Declaration {
    pub(super) fn new(name: &'static str, trigger: Trigger) -> Self {
        Self { name, summary: "", trigger, sandbox: false, needs: Vec::new() }
    }

    pub(super) fn read(&mut self, secret: &'static str, when: When) {
        self.needs.push(Need { secret, when });
    }

    /// The names of the secrets that the function reads in INIT where `is_set` says which
    /// settings there are, and how long each must be at least, in bytes: what others chose for us
    /// may be shorter than what we choose.
    pub(crate) fn secrets_where(
        &self,
        is_set: impl Fn(&str) -> bool,
    ) -> BTreeMap<&'static str, usize> {
        let is_wanted = |need: &&Need| match need.when {
            When::Always => true,
            When::With(setting) | When::Given(setting) => is_set(setting),
            When::Set => is_set(need.secret) || is_set(&format!("{}_SECRET_ID", need.secret)),
        };
        let mut found = BTreeMap::new();
        for need in self.needs.iter().filter(is_wanted) {
            let min = if matches!(need.when, When::Set | When::Given(_)) { 1 } else { 32 };
            found.insert(need.secret, min);
        }
        if let Trigger::Http(endpoint) = &self.trigger {
            let implied: &[&str] = match endpoint.access {
                Access::Public | Access::Webhook => &[],
                Access::Anyone | Access::SignIn | Access::Member | Access::MemberOrBody => {
                    &[BOT_TOKEN, "JWT_SECRET"]
                }
                Access::User | Access::Visitor(_) => &[BOT_TOKEN],
                Access::Admin => &[ADMIN_SECRET],
            };
            found.extend(implied.iter().map(|secret| (*secret, 32)));
        }
        if let Some(min) = found.get_mut(BOT_TOKEN) {
            *min = 3;
        }
        found
    }

    /// The names of all secrets that the function may read in INIT.
    #[must_use]
    pub fn secrets(&self) -> Vec<&'static str> {
        self.secrets_where(|_| true).into_keys().collect()
    }

    /// The endpoint, for HTTP functions.
    #[must_use]
    pub fn endpoint(&self) -> Option<&Endpoint> {
        match &self.trigger {
            Trigger::Http(endpoint) => Some(endpoint),
            _ => None,
        }
    }

    /// The declaration as the checks of the templates read it.
    #[must_use]
    pub fn describe(&self) -> Value {
        let mut value = serde_json::json!({
            "name": self.name,
            "summary": self.summary,
            "sandbox": self.sandbox,
            "secrets": self.secrets(),
        });
        let details = match &self.trigger {
            Trigger::Http(e) => serde_json::json!({
                "kind": "http", "method": e.method.as_str(), "path": e.path,
            }),
            Trigger::Queue(queue) => serde_json::json!({ "kind": "queue", "queue": queue }),
            Trigger::Stream(kinds) => serde_json::json!({ "kind": "stream", "filters": kinds }),
            Trigger::Schedule(expression) => {
                serde_json::json!({ "kind": "schedule", "schedule": expression })
            }
        };
        if let (Value::Object(all), Value::Object(details)) = (&mut value, details) {
            all.extend(details);
        }
        value
    }
}

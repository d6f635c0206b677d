//! What stands where the outside world would be: Telegram's Bot API with payments in stars, Crypto
//! Pay, and a payment provider of our own, each for every service.
//!
//! Both keep what they were told beside the tables, so that a restart forgets nothing. They run
//! inside the local stack, or alone (`--sandboxes`) beside a stack that is deployed elsewhere.

mod crypto_pay;
mod faults;
mod hooks;
mod invoice;
mod payer;
mod payments;
mod provider;
mod refunds;
mod stars;
mod telegram;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::Clock;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use shared::outbound::Outbound;

pub use faults::{Place, SandboxFault, SandboxFaults, Trouble};
pub(crate) use payer::Tables;

use crate::reply;
use crate::secrets::Secrets;
use crate::serve::{Exchange, Hangup, Reply};
use crate::store::{Store, StoreError};

/// The sandboxes; clones share their state.
#[derive(Clone)]
pub(crate) struct Sandboxes {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    clock: Clock,
    faults: SandboxFaults,
    outbound: Outbound,
    secrets: Secrets,
    /// This server's own address.
    front: String,
    /// The roots of the services' APIs, for webhooks.
    services: BTreeMap<String, String>,
    telegram: Mutex<telegram::Bots>,
    /// Where payments stand, if they stand here.
    tables: Option<Tables>,
    /// Held while a series goes on.
    series: Mutex<()>,
}

impl Sandboxes {
    pub(crate) fn new(
        store: Store,
        clock: Clock,
        secrets: Secrets,
        front: &str,
        services: BTreeMap<String, String>,
        tables: Option<Tables>,
    ) -> Result<Self, StoreError> {
        let telegram = Mutex::new(telegram::Bots::load(&store)?);
        let (faults, outbound, front) =
            (SandboxFaults::default(), Outbound::new(), front.to_owned());
        let series = Mutex::default();
        let inner = Inner {
            store,
            clock,
            faults,
            outbound,
            secrets,
            front,
            services,
            telegram,
            tables,
            series,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    pub(crate) fn faults(&self) -> &SandboxFaults {
        &self.inner.faults
    }

    fn bots(&self) -> MutexGuard<'_, telegram::Bots> {
        self.inner.telegram.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first service, for calls that do not say which.
    fn default_service(&self) -> &str {
        self.inner.services.keys().next().map_or("club", String::as_str)
    }

    /// The next number of a series.
    fn next(&self, series: &str) -> Result<i64, StoreError> {
        let _one = self.inner.series.lock().unwrap_or_else(PoisonError::into_inner);
        let last: i64 = self.inner.store.get(series)?.unwrap_or_default();
        let next = last.saturating_add(1);
        self.inner.store.put(series, &next)?;
        Ok(next)
    }

    /// Answers what concerns the sandboxes; `None` for anything else.
    pub(crate) async fn answer(&self, exchange: &Exchange) -> Option<Reply> {
        let segments = exchange.segments();
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        let method = &exchange.parts.method;
        let response = match (method, path.as_slice()) {
            (&Method::POST, ["_local", "sandbox", "telegram", "rules"]) => self.add_rule(exchange),
            (&Method::DELETE, ["_local", "sandbox", "telegram", "rules"]) => {
                self.bots().rules.clear();
                reply::ok(&json!({ "ok": true }))
            }
            (_, ["_local", "sandbox", "telegram", bot, method]) => {
                return Some(self.bot_call(exchange, bot, method).await);
            }
            (_, ["_local", "sandbox", "provider", rest @ ..]) => {
                return Some(self.provider_call(exchange, rest).await);
            }
            (_, ["_local", "sandbox", "crypto-pay", "api", method]) => {
                return Some(self.crypto_call(exchange, method).await);
            }
            (&Method::GET, ["_local", "telegram", "messages"]) => self.messages(exchange),
            (&Method::POST, ["_local", "telegram", "updates"]) => self.update(exchange).await,
            (&Method::GET, ["_local", "pay", service, attempt]) => self.pay_page(service, attempt),
            (&Method::POST, ["_local", "pay", service, attempt]) => {
                self.pay(exchange, service, attempt).await
            }
            (&Method::POST, ["_local", "payments", id]) => self.payment(exchange, id).await,
            _ => return None,
        };
        Some(Ok(response))
    }

    /// Does to a call what the faults in force say.
    async fn before(&self, place: Place) -> Struck {
        let Some((trouble, delay)) = self.inner.faults.strike(place) else {
            return Struck::Not;
        };
        let error = |status: StatusCode, description: &str| {
            let mut body = json!({
                "ok": false, "error_code": status.as_u16(), "description": description,
                "error": description,
            });
            if let (StatusCode::TOO_MANY_REQUESTS, Some(body)) = (status, body.as_object_mut()) {
                body.insert("parameters".to_owned(), json!({ "retry_after": 1 }));
            }
            Struck::Instead(Box::new(Ok(reply::json(status, &body))))
        };
        match trouble {
            Trouble::Throttle => {
                error(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests: retry after 1")
            }
            Trouble::Conflict => error(StatusCode::CONFLICT, "Conflict"),
            Trouble::Error => error(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
            Trouble::Timeout => Struck::Instead(Box::new(Err(Hangup::Later))),
            Trouble::Delay => {
                tokio::time::sleep(delay).await;
                Struck::Not
            }
            Trouble::LostAnswer => Struck::Afterwards,
        }
    }

    /// Calls a webhook of a service and answers status and body.
    async fn deliver(
        &self,
        service: &str,
        path: &str,
        secret: (&'static str, &str),
        body: &Value,
    ) -> Value {
        let Some(root) = self.inner.services.get(service) else {
            return json!({ "status": 0, "error": format!("no such service: {service}") });
        };
        let call = self.inner.outbound.post(&format!("{root}{path}"));
        let name = http::HeaderName::from_static(secret.0);
        match call.header(name, secret.1).json(body).send().await {
            Ok(answer) => {
                let text = || Value::from(String::from_utf8_lossy(&answer.body).into_owned());
                let body = serde_json::from_slice(&answer.body).unwrap_or_else(|_| text());
                json!({ "status": answer.status, "body": body })
            }
            Err(error) => json!({ "status": 0, "error": error.to_string() }),
        }
    }
}

/// Whether a fault strikes a call.
enum Struck {
    /// It does not, or has only delayed it.
    Not,
    /// The call has no effect; this comes instead.
    Instead(Box<Reply>),
    /// The call has its effect; its answer gets lost.
    Afterwards,
}

/// Text inside HTML.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

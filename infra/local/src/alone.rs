//! The sandboxes alone, beside a stack that is deployed elsewhere.

use std::collections::BTreeMap;

use engine::Clock;
use http::Method;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::conduct::ClockAnswer;
use crate::desk;
use crate::reply;
use crate::sandbox::Sandboxes;
use crate::secrets::Secrets;
use crate::serve::{Exchange, Reply, handler};
use crate::stack::{StartError, bind};
use crate::store::Store;

/// The sandboxes, running.
pub struct Alone {
    /// Their address, without a path.
    pub base_url: String,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Alone {
    /// Starts the sandboxes on `port`. `services` are the roots of the APIs that webhooks go to;
    /// secrets may come from variables such as `CLUB_SANDBOX_SECRET`.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(
        port: u16,
        services: BTreeMap<String, String>,
        from_environment: bool,
    ) -> Result<Self, StartError> {
        let listener = bind(port).await?;
        let base_url = listener.url();
        let names: Vec<String> = services.keys().cloned().collect();
        let secrets = Secrets::new(&names, |service, name| {
            let variable = format!("{}_{name}", service.to_uppercase());
            from_environment.then(|| std::env::var(variable).ok()).flatten()
        });
        let (store, clock) = (Store::memory()?, Clock::system());
        let sandboxes = Sandboxes::new(store, clock.clone(), secrets, &base_url, services, None)?;
        let handler = handler(move |exchange| {
            let (sandboxes, clock) = (sandboxes.clone(), clock.clone());
            async move { answer(&sandboxes, &clock, &exchange).await }
        });
        let stop = watch::channel(false).0;
        let task = tokio::spawn(listener.serve(handler, stop.subscribe()));
        Ok(Self { base_url, stop, task })
    }

    /// Lets what runs end, and stops.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let _ = self.task.await;
    }
}

async fn answer(sandboxes: &Sandboxes, clock: &Clock, exchange: &Exchange) -> Reply {
    if let Some(reply) = sandboxes.answer(exchange).await {
        return reply;
    }
    let segments = exchange.segments();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    Ok(match (&exchange.parts.method, path.as_slice()) {
        (&Method::GET, ["_local", "health"]) => reply::ok(&json!({ "status": "ok" })),
        (&Method::GET, ["_local", "clock"]) => reply::ok(&ClockAnswer::of(clock)),
        (&Method::POST, ["_local", "faults"]) => {
            desk::inject_at_sandbox(sandboxes.faults(), exchange)
        }
        (&Method::DELETE, ["_local", "faults"]) => {
            sandboxes.faults().clear();
            reply::ok(&json!({ "ok": true }))
        }
        _ => reply::not_found(),
    })
}

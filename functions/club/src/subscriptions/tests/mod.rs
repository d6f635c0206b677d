//! Subscriptions against the embedded engine.

mod crashes;
mod guarding;
mod leaving;
mod permissions;
mod reminding;
mod rules;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use shared::clock::{Instant, days};
use shared::function::{Function, Invocation};
use shared::meter::Cost;
use shared::table::Write;

use super::{guard, remind, set_expiry};
use crate::App;
use crate::auth::{self, Member};
use crate::shift::Shift;
use crate::testing::World;
use crate::texts;

/// Seconds of an hour.
const HOUR: u64 = 3_600;

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

/// A club at nine in the morning of Moscow, of 1 February 2026.
struct Club {
    world: Arc<World>,
}

impl Club {
    async fn at_nine() -> Self {
        Self::with(&[]).await
    }

    /// The same with settings of the test's own.
    async fn with(settings: &[(&str, &str)]) -> Self {
        let world = Arc::new(World::with(settings).await);
        world.pass(Duration::from_secs(18 * HOUR));
        assert_eq!(world.now(), at("2026-02-01T06:00:00Z"));
        Self { world }
    }

    /// A member whose subscription ends then.
    async fn ending(&self, tg_id: i64, end: Instant) -> Member {
        let member = self.plan(tg_id, end);
        self.world.put(&member).await;
        member
    }

    /// The same, not put yet.
    fn plan(&self, tg_id: i64, end: Instant) -> Member {
        Member {
            subscription_expires: Some(end),
            ..Member::new(tg_id, None, None, self.world.now())
        }
    }

    async fn put_all(&self, members: &[Member]) {
        let puts = members.iter().map(|member| Write::put("test", member)).collect();
        self.world.table().write_batch(puts).await.unwrap();
    }

    /// Moves the end of a subscription, as every payment does.
    async fn moves(&self, tg_id: i64, end: Instant) {
        let member = self.member(tg_id).await;
        let now = self.world.now();
        let change = set_expiry(auth::change(&member, now), &member, end, now);
        self.world.table().write(change).await.unwrap();
    }

    async fn member(&self, tg_id: i64) -> Member {
        self.world.member_now(tg_id).await
    }

    /// Is the member in the index, and under which end?
    async fn due(&self, tg_id: i64) -> Option<String> {
        let item = self.world.item(&auth::member_key(tg_id)).await.unwrap();
        assert_eq!(item.text("due_pk").is_some(), item.text("due_at").is_some());
        item.text("due_at").map(str::to_owned)
    }

    async fn guard(&self) -> Value {
        self.world.tick(guard()).await.unwrap()
    }

    async fn remind(&self) -> Value {
        self.world.tick(remind()).await.unwrap()
    }

    /// A run and what it cost.
    async fn metered(&self, function: Function<App>) -> (Value, Cost) {
        let instance = self.world.start(function).await;
        let event = json!({ "version": "0", "time": self.world.now(), "detail": {} });
        let (answer, cost) = self.world.run(&instance, &event).await;
        (answer.unwrap(), cost)
    }

    /// A shift of this name with so much time, taken as of now.
    async fn shift(&self, name: &str, remaining_ms: u64) -> Shift {
        let now = self.world.now();
        let invocation =
            Invocation { now, clock: now, request_id: "test".to_owned(), remaining_ms };
        Shift::begin(&self.world.app, name, &invocation).await.unwrap().unwrap()
    }

    /// What is asked of the outbox under this name, by Telegram id.
    async fn told(&self, message: &str) -> Vec<(i64, Value)> {
        let outbox = self.world.items("Outbox").await;
        let payloads = outbox.iter().map(|item| &item["payload"]["M"]);
        let of = payloads.filter(|payload| payload["message"]["S"] == message);
        let mut told: Vec<_> = of
            .map(|payload| {
                let tg_id = payload["tg_id"]["N"].as_str().unwrap().parse().unwrap();
                (tg_id, payload.clone())
            })
            .collect();
        told.sort_by_key(|(tg_id, _)| *tg_id);
        told
    }

    /// Which reminders a member got, in the order of their names.
    async fn reminders(&self, tg_id: i64) -> Vec<String> {
        let told = self.told("renewal_reminder").await;
        let own = told.into_iter().filter(|(id, _)| *id == tg_id);
        let mut kinds: Vec<_> =
            own.map(|(_, payload)| payload["kind"]["S"].as_str().unwrap().to_owned()).collect();
        kinds.sort();
        kinds
    }

    fn pass(&self, hours: u64) {
        self.world.pass(Duration::from_secs(hours * HOUR));
    }
}

/// What must hold at any instant: whoever has an end that was not closed is due at it and nobody
/// else is, what is closed is told, and nobody leads beyond it.
async fn check_invariants(club: &Club) {
    let closings = club.told("closed").await;
    for item in club.world.items("Member").await {
        let (end, closed) = (&item["subscription_expires"]["S"], &item["closed_expiry"]["S"]);
        let open = end.is_string() && end != closed;
        assert_eq!(item["due_pk"].is_object(), open, "{item}");
        let due = if open { end } else { &Value::Null };
        assert_eq!(&item["due_at"]["S"], due, "{item}");
        let told = closings.iter().filter(|(id, _)| item["tg_id"]["N"] == id.to_string().as_str());
        assert_eq!(told.count() > 0, closed.is_string(), "{item}");
        assert!(end != closed || !closed.is_string() || item["is_team_leader"]["BOOL"] == false);
    }
}

#[test]
fn nothing_else_sets_how_long_a_subscription_lasts() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let text: String = text.split_whitespace().collect();
            seen += 1;
            let own = path.starts_with(root.join("subscriptions"));
            for way in ["set", "set_once", "remove", "set_or_remove"] {
                let write = format!(".{way}(\"subscription_expires\"");
                assert!(own || !text.contains(&write), "{}", path.display());
            }
        }
    }
    assert!(seen > 50, "{seen}");
}

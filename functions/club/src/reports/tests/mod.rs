//! Weekly reports against the embedded engine.

mod administrators;
mod crashes;
mod deleting;
mod permissions;
mod reading;
mod rules;
mod submitting;

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use shared::clock::days;
use shared::function::Function;

use super::*;
use crate::auth::Member;
use crate::energies::{self, Expense};
use crate::testing::{Reply, Request, World};

/// The member of these tests.
const ANNA: i64 = 1_000_000_001;
/// Somebody else.
const BORIS: i64 = 1_000_000_002;
/// The secret of these worlds' administrators.
const SECRET: &str = "test-admin-secret-0123456789abcdef01";
/// Seconds of an hour and a day.
const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;

/// A world with two paid members. It begins on Saturday, 31 January 2026, at 15:00 in Moscow: the
/// fifth week, whose last 33 hours are left.
struct Club {
    world: Arc<World>,
}

impl Club {
    async fn open() -> Self {
        let world = World::new().await;
        for tg_id in [ANNA, BORIS] {
            let until = Some(world.now() + days(3_650));
            let member = Member { subscription_expires: until, ..world.member(tg_id).await };
            world.put(&member).await;
        }
        Self { world: Arc::new(world) }
    }

    async fn token(&self, tg_id: i64) -> String {
        self.world.token(&self.world.member_now(tg_id).await).await
    }

    async fn submission(&self, tg_id: i64, content: &str) -> Request {
        let request = Request::post("/api/reports/submit", json!({ "content": content }));
        request.token(&self.token(tg_id).await)
    }

    async fn submits(&self, tg_id: i64, content: &str) -> Reply {
        self.world.call(submit(), self.submission(tg_id, content).await).await
    }

    /// Submits a report, which must succeed; its id.
    async fn report(&self, tg_id: i64) -> String {
        let reply = self.submits(tg_id, "Одно два три").await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.body["report"]["id"].as_str().unwrap().to_owned()
    }

    async fn deletion(&self, tg_id: i64, id: &str) -> Request {
        let request = Request::get(&format!("/api/reports/{id}")).method(Method::DELETE);
        request.token(&self.token(tg_id).await)
    }

    async fn deletes(&self, tg_id: i64, id: &str) -> Reply {
        self.world.call(delete(), self.deletion(tg_id, id).await).await
    }

    async fn get(&self, function: Function<App>, path: &str) -> Reply {
        let token = self.token(ANNA).await;
        self.world.call(function, Request::get(path).token(&token)).await
    }

    async fn asks(&self, function: Function<App>, path: &str) -> Reply {
        self.world.call(function, Request::get(path).header("x-admin-secret", SECRET)).await
    }

    async fn balance(&self, tg_id: i64) -> i64 {
        self.world.member_now(tg_id).await.balance
    }

    /// Spends so much of Anna's balance.
    async fn spends(&self, amount: u32) {
        let expense = Expense::purchase("x", "x", amount);
        energies::spend(self.world.table(), ANNA, &expense, self.world.now()).await.unwrap();
    }

    fn pass(&self, seconds: u64) {
        self.world.pass(Duration::from_secs(seconds));
    }

    /// What must hold at any instant: each report has its mark and its entry, each mark without a
    /// report the entry of its reversal, and balances equal their entries.
    async fn check_invariants(&self) {
        let reports = self.world.items("WeeklyReport").await;
        let marks = self.world.items("ReportMark").await;
        let entries = self.world.items("EnergyEntry").await;
        let number = |value: &Value| value["N"].as_str().unwrap().parse::<i64>().unwrap();
        let entry = |key: String| entries.iter().find(|entry| entry["key"]["S"] == key.as_str());
        assert!(reports.len() <= marks.len());
        let mut standing = 0;
        for mark in &marks {
            let id = mark["id"]["S"].as_str().unwrap();
            let earned = entry(format!("report:{id}")).unwrap();
            assert_eq!(earned["delta"], mark["energies"]);
            let report = reports.iter().find(|report| report["id"] == mark["id"]);
            let reversal = entry(format!("report_reversal:{id}"));
            assert_eq!(mark["deleted_at"].is_object(), reversal.is_some());
            assert_eq!(mark["rank_pk"].is_object(), reversal.is_none());
            assert_eq!(report.is_some(), reversal.is_none());
            if let Some(reversal) = reversal {
                assert_eq!(number(&reversal["delta"]), -number(&mark["energies"]));
            }
            standing += usize::from(report.is_some());
        }
        assert_eq!(standing, reports.len());
        for tg_id in [ANNA, BORIS] {
            let id = tg_id.to_string();
            let own = entries.iter().filter(|entry| entry["tg_id"]["N"] == id.as_str());
            assert_eq!(self.balance(tg_id).await, own.map(|e| number(&e["delta"])).sum::<i64>());
        }
    }
}

fn code(reply: &Reply) -> (u16, String) {
    (reply.status.as_u16(), reply.body["code"].as_str().unwrap_or_default().to_owned())
}

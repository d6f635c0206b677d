//! Gamification against the embedded engine.

mod chains;
mod endpoints;
mod entities;
mod granting;
mod permissions;
mod streaks;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use shared::function::Function;
use shared::table::{Refusal, Write};

use super::gains::granted;
use super::*;
use crate::auth::{self, Member};
use crate::testing::{Reply, Request, World};

/// The member of these tests.
const ANNA: i64 = 1_000_000_001;
/// The secret of these worlds' administrators.
const SECRET: &str = "test-admin-secret-0123456789abcdef01";
/// Seconds of a day.
const DAY: u64 = 86_400;

/// A world with one member.
struct Club {
    world: Arc<World>,
}

impl Club {
    async fn open() -> Self {
        let world = World::new().await;
        world.member(ANNA).await;
        Self { world: Arc::new(world) }
    }

    async fn anna(&self) -> Member {
        self.world.member_now(ANNA).await
    }

    /// Does something, and writes what it brings.
    async fn does(&self, activity: Activity) -> Gains {
        self.try_to(activity).await.unwrap()
    }

    async fn try_to(&self, activity: Activity) -> Result<Gains, Refusal> {
        let all = achievements(self.world.table()).await.unwrap();
        let gains = gains(&self.anna().await, &activity, &all, self.world.now());
        self.write(gains).await
    }

    /// Gets experience by no activity.
    async fn gets(&self, key: &str, amount: u32) -> Gains {
        let all = achievements(self.world.table()).await.unwrap();
        let xp = Xp { key: key.to_owned(), amount, reason: "Подарок".into() };
        let gains = granted(&self.anna().await, xp, &all, self.world.now());
        self.write(gains).await.unwrap()
    }

    async fn write(&self, gains: Gains) -> Result<Gains, Refusal> {
        let anna = self.anna().await;
        let mut writes = vec![gains.on(auth::change(&anna, self.world.now()))];
        writes.extend(gains.writes());
        match self.world.table().transact(writes).await {
            Ok(()) => Ok(gains),
            Err(error) => Err(error.refusal().unwrap()),
        }
    }

    /// Writes an achievement.
    async fn has(&self, code: &str, counted: Counted, value: u32, xp_reward: u32) {
        let achievement = Achievement {
            code: code.to_owned(),
            title: code.to_owned(),
            description: None,
            icon: None,
            xp_reward,
            condition: Condition { counted, value },
            removed: false,
        };
        self.world.put(&achievement).await;
    }

    fn pass(&self, seconds: u64) {
        self.world.pass(Duration::from_secs(seconds));
    }

    async fn get(&self, function: Function<App>, path: &str) -> Reply {
        let token = self.world.token(&self.anna().await).await;
        self.world.call(function, Request::get(path).token(&token)).await
    }

    fn grant(&self, amount: u32, key: &str) -> Request {
        let body = json!({ "userId": ANNA, "amount": amount, "reason": "Помощь" });
        let request = Request::post("/api/v1/gamification/add-xp", body);
        request.header("x-admin-secret", SECRET).header("idempotency-key", key)
    }

    /// Points of all entries; each achievement unlocked once, and each in the member's item.
    async fn check_invariants(&self) {
        let anna = self.anna().await;
        let number = |item: &Value, name: &str| item[name]["N"].as_str().unwrap().parse::<u32>();
        let entries = self.world.items("XpEntry").await;
        let sum: u32 = entries.iter().map(|entry| number(entry, "amount").unwrap()).sum();
        assert_eq!(anna.experience, sum);
        let rows = self.world.items("UserAchievement").await;
        let mut unlocked: Vec<_> =
            rows.iter().map(|row| row["code"]["S"].as_str().unwrap().to_owned()).collect();
        unlocked.sort();
        let mut known = anna.achievements.clone();
        known.sort();
        assert_eq!(unlocked, known);
    }
}

/// A whole session, the first of its meditation in its day, that brings so much experience.
fn meditation(key: &str, amount: u32) -> Activity {
    let xp = Xp { key: key.to_owned(), amount, reason: "Медитация".into() };
    Activity::Meditation { completed: true, first: true, xp: Some(xp) }
}

fn code(reply: &Reply) -> (u16, String) {
    (reply.status.as_u16(), reply.body["code"].as_str().unwrap_or_default().to_owned())
}

//! Onboardings against the embedded engine.

mod crashes;
mod permissions;
mod rules;
mod speech;
mod steps;
mod sweeping;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use shared::clock::Instant;
use shared::table::{Key, Write};
use shared::telegram::TelegramUpdate;

use super::model::{Onboarding, State};
use super::{begun, heard, pressed, remind, sweep};
use crate::auth::Member;
use crate::outbox::relay;
use crate::testing::{ONBOARDING, World};

/// The member of these tests.
const MEMBER: i64 = 1_000_000_001;
/// What has begun the onboarding.
const CYCLE: &str = "att_01KG9JV9M0SAMPLEATTEMPT000";
/// Seconds of a day.
const DAY: u64 = 86_400;
/// Seconds between the deliveries of a queue in these tests.
const TICK: u64 = 60;

/// A world with a member whose onboarding has begun at noon of 31 January 2026, UTC.
struct School {
    world: Arc<World>,
}

impl School {
    async fn open() -> Self {
        let school = Self { world: Arc::new(World::new().await) };
        school.world.member(MEMBER).await;
        school.begin(CYCLE).await;
        school
    }

    /// A cause begins the onboarding, as the transaction that follows it would.
    async fn begin(&self, cause: &str) {
        self.write(begun(MEMBER, cause, self.world.now())).await;
        self.relay().await;
    }

    async fn write(&self, write: Write) {
        self.world.table().transact(vec![write]).await.unwrap();
    }

    /// The change stream tells of the row as it stands.
    async fn relay(&self) {
        let item = self.world.items("Onboarding").await.remove(0);
        let instance = self.world.start(relay()).await;
        let event = json!({ "Records": [{
            "eventID": "1", "eventName": "MODIFY", "eventSource": "aws:dynamodb",
            "eventVersion": "1.1", "awsRegion": "us-east-1",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_768_900_000,
                "Keys": { "pk": item["pk"], "sk": item["sk"] }, "NewImage": item,
                "SequenceNumber": "17", "SizeBytes": 1, "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
        }] });
        let answer = self.world.run(&instance, &event).await.0.unwrap();
        assert_eq!(answer["batchItemFailures"], json!([]));
    }

    /// Hands over the hints that have come due; what they have changed comes by the stream.
    async fn deliver(&self) -> usize {
        let before = self.row().await;
        let (received, failed) = self.world.deliver(remind(), ONBOARDING).await;
        assert_eq!(failed, 0);
        if self.row().await != before {
            self.relay().await;
        }
        received
    }

    /// So many minutes pass, and what falls due is done.
    async fn pass(&self, minutes: u64) {
        while self.deliver().await > 0 {}
        for _ in 0..minutes {
            self.world.pass(Duration::from_secs(TICK));
            while self.deliver().await > 0 {}
        }
    }

    /// The member writes something in private.
    async fn says(&self, update_id: i64, text: &str) {
        let before = self.row().await;
        let once = once(update_id, self.world.now());
        heard(&self.world.app, MEMBER, text, &once, self.world.now()).await.unwrap();
        if self.row().await != before {
            self.relay().await;
        }
    }

    /// The member presses the button.
    async fn presses(&self, update_id: i64) {
        let once = once(update_id, self.world.now());
        pressed(&self.world.app, MEMBER, &once, self.world.now()).await.unwrap();
        self.relay().await;
    }

    async fn sweep(&self) -> Value {
        self.world.tick(sweep()).await.unwrap()
    }

    async fn row(&self) -> Onboarding {
        let key: Key = Onboarding::key_of(MEMBER);
        self.world.table().get(&key).await.unwrap().unwrap()
    }

    async fn state(&self) -> State {
        self.row().await.state
    }

    async fn member(&self) -> Member {
        self.world.member_now(MEMBER).await
    }

    /// What was said so far, in the order of its keys, without those of the cycle and the member.
    async fn said(&self) -> Vec<String> {
        let rows = self.world.items("Outbox").await;
        let ids = rows.iter().map(|row| row["id"]["S"].as_str().unwrap());
        let own = ids.filter_map(|id| id.strip_prefix(&format!("onboarding:{MEMBER}:")));
        own.map(|id| id.split(':').next().unwrap().to_owned()).collect()
    }

    /// What must hold at any instant: the row is in the index where something comes next, and
    /// exactly then.
    async fn check(&self) {
        let row = self.row().await;
        let item = self.world.items("Onboarding").await.remove(0);
        let next = row.next(&self.world.app.onboarding.plan);
        assert_eq!(row.due_at, next.map(|step| step.due));
        assert_eq!(item["due_pk"].is_object(), next.is_some(), "{item}");
    }
}

fn once(update_id: i64, at: Instant) -> Write {
    TelegramUpdate { update_id, at }.once()
}

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

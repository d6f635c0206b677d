use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use super::{Seen, World, options};
use crate::{Move, Options};

/// A folder that is removed in the end.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        let name = format!("local-test-{}", uuid::Uuid::new_v4().simple());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn kept(seen: &Seen, folder: &Folder) -> Options {
    let options = options(seen, |_, _| Ok(json!(null))).data(&folder.0);
    Options { clock: None, frozen: None, ..options }
}

#[tokio::test]
async fn clock_messages_checkpoints_and_schedules_survive_a_restart() {
    let folder = Folder::new();
    let seen = Seen::default();
    let first = Options {
        frozen: Some(true),
        clock: Some(super::START.parse().unwrap()),
        ..kept(&seen, &folder)
    };
    let world = World::of(first, seen.clone()).await;
    world.put(json!({ "pk": { "S": "a" } })).await;
    world.advance(60).await;
    world
        .stack
        .engine()
        .queues()
        .send("test-jobs", "later", Some(Duration::from_secs(600)))
        .unwrap();
    assert!(crate::Stack::start(kept(&seen, &folder)).await.is_err(), "one stack per folder");
    // As a killed process would: nothing is said good-bye to.
    drop(world);

    let world = World::of(kept(&seen, &folder), seen.clone()).await;
    assert_eq!(
        world.get("/_local/clock").await,
        json!({ "now": "2026-01-31T12:01:00.000Z", "frozen": true })
    );
    world.idle().await;
    assert_eq!(world.seen("demo-changes").len(), 1, "the checkpoint was kept");
    world.advance(599).await;
    assert!(world.seen("demo-job").is_empty());
    world.advance(1).await;
    assert_eq!(world.seen("demo-job").len(), 1);
    world.advance(240).await;
    assert_eq!(world.seen("demo-tick").len(), 1);
    world.stack.stop().await;

    let options = Options { clock: Some(super::START.parse().unwrap()), ..kept(&seen, &folder) };
    assert!(crate::Stack::start(options).await.is_err(), "the clock does not go back");
}

#[tokio::test]
async fn the_clock_moves_forward_only_and_can_be_frozen_and_resumed() {
    let world = World::start(|_, _| Ok(json!(null))).await;
    let back = world.post("/_local/clock", &json!({ "set": "2026-01-31T11:00:00Z" })).await;
    assert_eq!(back.status, 409);
    let both = json!({ "set": "2026-02-01T11:00:00Z", "advance_seconds": 1 });
    assert_eq!(world.post("/_local/clock", &both).await.status, 400);
    assert_eq!(world.post("/_local/clock", &json!({ "typo": 1 })).await.status, 400);
    let set = world.post("/_local/clock", &json!({ "set": "2026-02-01T00:00:00Z" })).await;
    assert_eq!(super::body_of(&set), json!({ "now": "2026-02-01T00:00:00.000Z", "frozen": true }));
    let resumed = world.stack.move_clock(Move { frozen: Some(false), ..Move::default() }).await;
    assert!(!resumed.unwrap().frozen);
    assert!(!world.stack.clock().is_frozen());
    world.stack.stop().await;
}

//! The guard.

use std::collections::BTreeSet;

use shared::table::Key;

use super::*;
use crate::subscriptions::jobs::close_all;
use crate::subscriptions::store::{DUE_SHARDS, to_close};
use crate::wire::LEASE_LOST;

/// 08:59 of yesterday in Moscow.
const OVER: &str = "2026-01-31T05:59:00Z";

fn ran(closed: usize) -> Value {
    json!({ "lease_held": false, "closed": closed, "kept": 0, "failed": 0, "complete": true })
}

#[tokio::test]
async fn what_ended_a_day_ago_is_closed_once() {
    let club = Club::at_nine().await;
    let leader = Member { is_team_leader: true, ..club.plan(1, at(OVER)) };
    club.world.put(&leader).await;
    let kept = ["2026-01-31T21:01:00Z", "2026-01-31T20:00:00Z", "2026-02-05T12:00:00Z"];
    for (tg_id, end) in (2..).zip(kept) {
        club.ending(tg_id, at(end)).await;
    }
    club.world.member(9).await;
    for closed in [1, 0, 0] {
        assert_eq!(club.guard().await, ran(closed));
        check_invariants(&club).await;
    }
    let told = club.told("closed").await;
    assert_eq!(told.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [1]);
    let closed = club.member(1).await;
    assert_eq!((closed.closed_expiry, closed.is_team_leader), (Some(at(OVER)), false));
    assert_eq!((closed.subscription_expires, closed.version), (Some(at(OVER)), 2));
    assert_eq!((club.due(1).await, club.due(9).await), (None, None));
    for tg_id in 2..5 {
        assert_eq!(club.member(tg_id).await.version, 1);
    }
    // Fifty minutes late nobody else is over.
    club.world.pass(Duration::from_secs(50 * 60));
    assert_eq!(club.guard().await, ran(0));
    // A day later two more are over.
    club.pass(24);
    assert_eq!(club.guard().await, ran(2));
    assert_eq!(club.told("closed").await.len(), 3);
    check_invariants(&club).await;
}

#[tokio::test]
async fn who_paid_in_between_is_left_alone() {
    let club = Club::at_nine().await;
    let (table, now) = (club.world.table(), club.world.now());
    club.ending(1, at(OVER)).await;
    let mut closing = Vec::new();
    for shard in 0..DUE_SHARDS {
        let grace = club.world.app.subscriptions.grace;
        closing.extend(to_close(table, shard, grace, now, None).await.unwrap().0);
    }
    assert_eq!(closing.len(), 1);
    club.moves(1, now + days(30)).await;
    let paid = club.world.items("Member").await;
    let shift = club.shift("subscription_guard", 30_000).await;
    assert!(!closing[0].close(table, &shift.lease, now).await.unwrap());
    assert_eq!(club.world.items("Member").await, paid);
    shift.end(&club.world.app).await;
    assert_eq!(club.guard().await, ran(0));
    assert_eq!(club.told("closed").await, []);
    check_invariants(&club).await;
}

#[tokio::test]
async fn each_end_is_closed_by_itself() {
    let club = Club::at_nine().await;
    club.ending(1, at(OVER)).await;
    assert_eq!(club.guard().await, ran(1));
    // A refund that changes nothing of what is over does not close it again.
    club.moves(1, at(OVER)).await;
    assert_eq!(club.due(1).await, None);
    assert_eq!(club.guard().await, ran(0));
    // The member comes back for three days.
    let end = club.world.now() + days(3);
    club.moves(1, end).await;
    assert_eq!(club.due(1).await, Some(end.to_string()));
    check_invariants(&club).await;
    club.pass(95);
    assert_eq!(club.guard().await, ran(0));
    club.pass(1);
    assert_eq!((club.guard().await, club.guard().await), (ran(1), ran(0)));
    assert_eq!(club.told("closed").await.len(), 2);
    assert_eq!(club.member(1).await.closed_expiry, Some(end));
    check_invariants(&club).await;
}

#[tokio::test]
async fn ten_thousand_members_cost_what_the_due_ones_cost() {
    let club = Club::at_nine().await;
    let end = |tg_id: i64| match tg_id {
        1..=100 => at(OVER) - days(u32::try_from(tg_id % 3).unwrap()),
        101..=200 => at("2026-01-31T20:00:00Z"),
        _ => club.world.now() + days(u32::try_from(tg_id % 30).unwrap()),
    };
    let members: Vec<_> = (1..=10_000).map(|tg_id| club.plan(tg_id, end(tg_id))).collect();
    club.put_all(&members).await;
    let (answer, cost) = club.metered(guard()).await;
    println!("guard of 100 in 10000: {cost:?}");
    assert_eq!(answer, ran(100));
    // The lease twice; a query and a read for each of four partitions; one transaction for each
    // of the due, of three items.
    assert_eq!((cost.requests, cost.items), (2 + 8 + 100, 2 + 300));
    assert!(cost.read_milliunits <= 8 * 1_000 + 100 * 1_000, "{cost:?}");
    for member in members.iter().skip(100).step_by(997) {
        assert_eq!(&club.member(member.tg_id).await, member);
    }
    let (answer, cost) = club.metered(guard()).await;
    println!("guard of nobody: {cost:?}");
    assert_eq!((answer, cost.requests, cost.items), (ran(0), 6, 2));
}

#[tokio::test]
async fn a_run_without_time_begins_nothing_and_the_next_one_goes_on() {
    let club = Club::at_nine().await;
    let members: Vec<_> = (1..=30).map(|tg_id| club.plan(tg_id, at(OVER))).collect();
    club.put_all(&members).await;
    let shift = club.shift("subscription_guard", 9_000).await;
    let mut done = Default::default();
    close_all(&club.world.app, &shift, club.world.now(), &mut done).await.unwrap();
    assert_eq!(serde_json::to_value(done).unwrap()["closed"], 0);
    shift.end(&club.world.app).await;
    assert_eq!(club.told("closed").await, []);
    assert_eq!(club.guard().await, ran(30));
}

#[tokio::test]
async fn who_was_overtaken_closes_nothing() {
    let club = Club::at_nine().await;
    club.ending(1, at(OVER)).await;
    let slow = club.shift("subscription_guard", 30_000).await;
    let held = club.guard().await;
    assert_eq!((&held["lease_held"], &held["closed"]), (&json!(true), &json!(0)));
    club.world.pass(Duration::from_secs(31));
    let next = club.shift("subscription_guard", 30_000).await;
    let (app, now) = (&club.world.app, club.world.now());
    let lost = close_all(app, &slow, now, &mut Default::default()).await.unwrap_err();
    assert_eq!(lost.code(), LEASE_LOST);
    assert_eq!((club.told("closed").await, club.member(1).await.version), (vec![], 1));
    next.end(app).await;
    assert_eq!(club.guard().await, ran(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_at_once_close_each_member_once() {
    let club = Club::at_nine().await;
    let members: Vec<_> = (1..=40).map(|tg_id| club.plan(tg_id, at(OVER))).collect();
    club.put_all(&members).await;
    let mut runs = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let world = Arc::clone(&club.world);
        runs.spawn(async move { world.tick(guard()).await.unwrap() });
    }
    let closed = runs.join_all().await;
    let closed: u64 = closed.iter().map(|run| run["closed"].as_u64().unwrap()).sum();
    assert_eq!((closed, club.told("closed").await.len()), (40, 40));
    check_invariants(&club).await;
}

#[tokio::test]
async fn one_that_cannot_be_read_keeps_no_other_from_its_turn() {
    let club = Club::at_nine().await;
    for tg_id in 1..=8 {
        club.ending(tg_id, at(OVER)).await;
    }
    let item = club.world.item(&auth::member_key(1)).await.unwrap();
    let broken = Write::update("test", Key::new("MEMBER#broken", "MEMBER"))
        .set("due_pk", item.text("due_pk").unwrap())
        .set("due_at", "2026-01-01T00:00:00.000Z")
        .set("kind", "Broken");
    club.world.table().write(broken).await.unwrap();
    assert_eq!(club.guard().await, ran(8));
    let told: BTreeSet<_> = club.told("closed").await.into_iter().map(|(tg_id, _)| tg_id).collect();
    assert_eq!(told, (1..=8).collect());
}

#[tokio::test]
async fn grace_is_a_setting() {
    let club = Club::at_nine().await;
    club.ending(1, at("2026-02-01T04:00:00Z")).await;
    let run = async |hours: &str| {
        let changes = [("EXPIRY_GRACE_H", hours)];
        let instance = club.world.start_with(guard(), &changes).await.unwrap();
        let event = json!({ "version": "0", "time": club.world.now(), "detail": {} });
        club.world.run(&instance, &event).await.0.unwrap()
    };
    assert_eq!((run("3").await, run("2").await), (ran(0), ran(1)));
    let malformed = club.world.start_with(guard(), &[("EXPIRY_GRACE_H", "x")]).await;
    assert!(malformed.is_err());
}

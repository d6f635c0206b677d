//! The reminders.

use super::*;
use crate::subscriptions::jobs::{remind_all, remind_some};
use crate::subscriptions::store::{DUE_SHARDS, to_remind};
use crate::wire::LEASE_LOST;

fn ran(reminded: usize, kept: usize) -> Value {
    json!({
        "lease_held": false, "reminded": reminded, "kept": kept, "failed": 0, "complete": true,
    })
}

#[tokio::test]
async fn each_kind_is_told_once_however_often_the_job_runs() {
    let club = Club::at_nine().await;
    // 4 February 15:00 in Moscow.
    let end = at("2026-02-04T12:00:00Z");
    club.ending(1, end).await;
    let gifted = Member { gifted: true, gifted_by: Some(9), ..club.plan(2, end) };
    club.world.put(&gifted).await;
    club.ending(3, end + days(30)).await;
    let days = [
        (1, vec![], vec!["in_three_days"]),
        (2, vec!["in_two_days"], vec!["in_three_days", "in_two_days"]),
        (2, vec!["in_two_days", "tomorrow"], vec!["in_three_days", "in_two_days", "tomorrow"]),
        (
            1,
            vec!["in_two_days", "today", "tomorrow"],
            vec!["in_three_days", "in_two_days", "tomorrow"],
        ),
        (
            0,
            vec!["in_two_days", "today", "tomorrow"],
            vec!["in_three_days", "in_two_days", "tomorrow"],
        ),
    ];
    for (told, paid, gifted) in days {
        for reminded in [told, 0, 0] {
            assert_eq!(club.remind().await, ran(reminded, 0));
            club.pass(4);
        }
        assert_eq!((club.reminders(1).await, club.reminders(2).await), (own(&paid), own(&gifted)));
        club.pass(12);
    }
    assert_eq!(club.reminders(3).await, own(&[]));
}

fn own(kinds: &[&str]) -> Vec<String> {
    kinds.iter().map(|kind| (*kind).to_owned()).collect()
}

#[tokio::test]
async fn a_reminder_says_when_and_whether_it_renews_itself() {
    let club = Club::at_nine().await;
    let end = at("2026-02-01T22:30:00Z");
    let renews = Member { auto_renewal: true, ..club.plan(1, end) };
    club.world.put(&renews).await;
    club.ending(2, end).await;
    assert_eq!(club.remind().await, ran(2, 0));
    for (tg_id, told) in club.told("renewal_reminder").await {
        let said = (&told["kind"]["S"], &told["until"]["S"], &told["renews"]["BOOL"]);
        let expected = (json!("tomorrow"), json!(end), json!(tg_id == 1));
        assert_eq!(said, (&expected.0, &expected.1, &expected.2));
    }
    let ids: Vec<_> =
        club.world.items("Outbox").await.iter().map(|item| item["id"]["S"].clone()).collect();
    assert_eq!(ids, ["reminder:1:tomorrow:2026-02-02", "reminder:2:tomorrow:2026-02-02"]);
}

#[tokio::test]
async fn who_paid_in_between_hears_nothing_of_the_old_end() {
    let club = Club::at_nine().await;
    let end = club.world.now() + days(1);
    for tg_id in 1..=20 {
        club.ending(tg_id, end).await;
    }
    let (app, now) = (&club.world.app, club.world.now());
    let mut seen = Vec::new();
    for shard in 0..DUE_SHARDS {
        seen.extend(to_remind(club.world.table(), shard, now, None).await.unwrap().0);
    }
    assert_eq!(seen.len(), 20);
    club.moves(7, end + days(30)).await;
    let paid = club.world.item(&auth::member_key(7)).await;
    let shift = club.shift("renewal_reminders", 30_000).await;
    let mut done = Default::default();
    assert!(remind_some(app, &seen, &shift, now, &mut done).await.unwrap());
    let done = serde_json::to_value(done).unwrap();
    assert_eq!((&done["reminded"], &done["kept"]), (&json!(19), &json!(1)));
    assert_eq!(club.world.item(&auth::member_key(7)).await, paid);
    shift.end(app).await;
    assert_eq!(club.remind().await, ran(0, 0));
    let told: Vec<_> = club.told("renewal_reminder").await.into_iter().map(|(id, _)| id).collect();
    assert_eq!(told, (1..=20).filter(|id| *id != 7).collect::<Vec<_>>());
    // The new end has reminders of its own.
    club.pass(30 * 24);
    assert_eq!(club.remind().await, ran(1, 0));
    assert_eq!(club.reminders(7).await, own(&["tomorrow"]));
}

#[tokio::test]
async fn ten_thousand_members_cost_what_the_due_ones_cost() {
    let club = Club::at_nine().await;
    let now = club.world.now();
    let end = |tg_id: i64| match tg_id {
        1..=100 => now + days(u32::try_from(tg_id % 3).unwrap()),
        _ if tg_id % 2 == 0 => now - days(u32::try_from(1 + tg_id % 40).unwrap()),
        _ => now + days(u32::try_from(4 + tg_id % 40).unwrap()),
    };
    let members: Vec<_> = (1..=10_000).map(|tg_id| club.plan(tg_id, end(tg_id))).collect();
    club.put_all(&members).await;
    let (answer, cost) = club.metered(remind()).await;
    println!("reminders of 100 in 10000: {cost:?}");
    assert_eq!(answer, ran(100, 0));
    // The lease twice; a query and two reads for each of four partitions; a transaction for each
    // 25 of a partition, of two items for each member and one.
    assert!(cost.requests <= 2 + 12 + 8, "{cost:?}");
    assert_eq!(cost.items, 2 + 200 + (cost.requests - 14));
    let (answer, cost) = club.metered(remind()).await;
    println!("reminders of the same: {cost:?}");
    assert_eq!((answer, cost.requests, cost.items), (ran(0, 0), 14, 2));
    assert!(members.iter().all(|member| member.version == 1));
    for member in members.iter().step_by(991) {
        assert_eq!(&club.member(member.tg_id).await, member);
    }
}

#[tokio::test]
async fn a_run_whose_day_is_over_tells_nobody() {
    let club = Club::at_nine().await;
    club.ending(1, at("2026-02-03T12:00:00Z")).await;
    let instance = club.world.start(remind()).await;
    let event = json!({ "version": "0", "time": club.world.now(), "detail": {} });
    club.pass(15);
    let late = club.world.run(&instance, &event).await.0.unwrap();
    assert_eq!((&late["reminded"], &late["complete"]), (&json!(0), &json!(false)));
    assert_eq!(club.told("renewal_reminder").await, []);
    // Fifty minutes late is the same as on time.
    let club = Club::at_nine().await;
    club.ending(1, at("2026-02-03T12:00:00Z")).await;
    let instance = club.world.start(remind()).await;
    club.world.pass(Duration::from_secs(50 * 60));
    assert_eq!(club.world.run(&instance, &event).await.0.unwrap(), ran(1, 0));
    assert_eq!(club.remind().await, ran(0, 0));
}

#[tokio::test]
async fn a_run_without_time_or_lease_tells_nobody_and_the_next_one_does() {
    let club = Club::at_nine().await;
    let end = club.world.now() + days(2);
    let members: Vec<_> = (1..=60).map(|tg_id| club.plan(tg_id, end)).collect();
    club.put_all(&members).await;
    let (app, now) = (&club.world.app, club.world.now());
    let shift = club.shift("renewal_reminders", 9_000).await;
    let mut done = Default::default();
    remind_all(app, &shift, now, &mut done).await.unwrap();
    assert_eq!(serde_json::to_value(done).unwrap()["reminded"], 0);
    let held = club.remind().await;
    assert_eq!((&held["lease_held"], &held["reminded"]), (&json!(true), &json!(0)));
    shift.end(app).await;
    assert_eq!(club.told("renewal_reminder").await, []);
    assert_eq!(club.remind().await, ran(60, 0));
}

#[tokio::test]
async fn who_was_overtaken_tells_nobody() {
    let club = Club::at_nine().await;
    for tg_id in 1..=3 {
        club.ending(tg_id, club.world.now() + days(2)).await;
    }
    let (app, slow) = (&club.world.app, club.shift("renewal_reminders", 30_000).await);
    club.world.pass(Duration::from_secs(31));
    let next = club.shift("renewal_reminders", 30_000).await;
    let lost = remind_all(app, &slow, club.world.now(), &mut Default::default()).await;
    assert_eq!(lost.unwrap_err().code(), LEASE_LOST);
    assert_eq!(club.told("renewal_reminder").await, []);
    next.end(app).await;
    assert_eq!(club.remind().await, ran(3, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_at_once_tell_each_member_once() {
    let club = Club::at_nine().await;
    let end = club.world.now() + days(1);
    let members: Vec<_> = (1..=60).map(|tg_id| club.plan(tg_id, end)).collect();
    club.put_all(&members).await;
    let mut runs = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let world = Arc::clone(&club.world);
        runs.spawn(async move { world.tick(remind()).await.unwrap() });
    }
    let told: u64 = runs.join_all().await.iter().map(|run| run["reminded"].as_u64().unwrap()).sum();
    assert_eq!((told, club.told("renewal_reminder").await.len()), (60, 60));
}

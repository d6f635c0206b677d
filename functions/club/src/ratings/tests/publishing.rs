//! Publishers that die, are overtaken, come twice or late.

use engine::{CrashMode, CrashPlan, Fault, FaultKind, Target, When};
use shared::lease::Lease;

use super::super::jobs::publish_generation;
use super::super::published::Tag;
use super::*;

const PUBLISHER: &str = "local-club-ratings-publish";

#[tokio::test]
async fn a_publisher_that_dies_leaves_a_whole_generation() {
    for mode in [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer] {
        let world = World::new().await;
        let mut members: Vec<Member> =
            (1..=12).map(|n| paid(&world, n, n * 10, Some("Омск"))).collect();
        found_team(&world, "a", true).await;
        for member in &mut members[..3] {
            (member.team_id, member.experience) = (Some("a".to_owned()), 60);
        }
        members[0].subscription_expires = Some(world.now() + SignedDuration::from_mins(90));
        join(&world, &members).await;
        world.tick(publish()).await.unwrap();
        let mut last = published(&world).await.unwrap();
        let mut deaths = 0;
        for at in 0.. {
            world.pass(Duration::from_secs(3_600));
            let richest = members.last_mut().unwrap();
            richest.balance += 5;
            richest.version += 1;
            join(&world, std::slice::from_ref(richest)).await;
            world.engine.faults().crash(CrashPlan { caller: Some(PUBLISHER.to_owned()), at, mode });
            let run = world.tick(publish()).await;
            let crashed = world.engine.faults().crashed();
            world.engine.faults().clear();
            let now = published(&world).await.unwrap();
            if now.directory.tag == last.directory.tag {
                assert_eq!(now, last, "{mode:?} {at}");
            } else {
                agrees(&world, &members, world.now()).await;
            }
            last = now;
            if !crashed {
                assert_eq!(run.unwrap()["published"], true);
                break;
            }
            deaths += 1;
        }
        assert!(deaths > 15, "{deaths}");
        agrees(&world, &members, world.now()).await;
    }
}

#[tokio::test]
async fn an_overtaken_publisher_cannot_write() {
    let world = World::new().await;
    let short = Member {
        subscription_expires: Some(world.now() + SignedDuration::from_mins(30)),
        ..paid(&world, 1, 20, Some("Омск"))
    };
    join(&world, &[short, paid(&world, 2, 30, None)]).await;
    let (table, now) = (world.table(), world.now() + SignedDuration::from_hours(1));
    let slow = Lease::acquire(table, "ratings_publish", now, now).await.unwrap();
    let next = Lease::acquire(table, "ratings_publish", now, now).await.unwrap();
    let tag = Tag { generation: now.seconds(), generated_at: now };
    let before = world.items("Contribution").await;
    let refused = publish_generation(table, tag.clone(), &slow).await.unwrap_err();
    assert_eq!(refused.code(), "conflict_retry");
    assert_eq!(world.items("Contribution").await, before);
    assert!(world.items("RatingRanks").await.is_empty() && published(&world).await.is_none());
    publish_generation(table, tag, &next).await.unwrap();
    assert!(published(&world).await.is_some());
}

#[tokio::test]
async fn the_same_schedule_twice_or_late_publishes_once() {
    let world = World::new().await;
    join(&world, &[paid(&world, 1, 20, Some("Омск"))]).await;
    let late = json!({ "version": "0", "time": world.now(), "detail": {} });
    world.pass(Duration::from_secs(3_600));
    assert_eq!(world.tick(publish()).await.unwrap()["published"], true);
    let first = published(&world).await.unwrap();
    assert_eq!(world.tick(publish()).await.unwrap()["published"], false);
    let instance = world.start(publish()).await;
    assert_eq!(world.run(&instance, &late).await.0.unwrap()["published"], false);
    assert_eq!(published(&world).await.unwrap(), first);
    assert_eq!(last_refresh(world.table()).await.unwrap(), Some(world.now()));
}

#[tokio::test]
async fn leaders_are_found_although_the_index_lags() {
    let world = World::new().await;
    let members: Vec<Member> = (1..=9).map(|n| paid(&world, n, n, None)).collect();
    join(&world, &members).await;
    // Of the queries of global indexes, the first four are of ended time, the next of leaders.
    let lag = Fault::new(Target::Dynamodb, FaultKind::IndexLag);
    let lag = lag.caller(PUBLISHER).operation("Query").when(When::Calls((4..8).collect()));
    world.engine.faults().inject(lag);
    world.tick(publish()).await.unwrap();
    assert!(world.engine.faults().struck() > 0);
    agrees(&world, &members, world.now()).await;
}

#[tokio::test]
async fn publishing_costs_what_it_publishes() {
    let mut costs = Vec::new();
    for members in [100, 300] {
        let world = World::new().await;
        let members: Vec<Member> =
            (1..=members).map(|n| paid(&world, n, n % 50, Some("Омск"))).collect();
        join(&world, &members).await;
        let instance = world.start(publish()).await;
        let event = json!({ "version": "0", "time": world.now(), "detail": {} });
        let (run, cost) = world.run(&instance, &event).await;
        assert_eq!(run.unwrap()["published"], true);
        costs.push((cost.requests, cost.items));
    }
    // Lease, tag, four queries each of ended time, cities, teams, scores, leaders and experience,
    // one or two reads of the leaders themselves, ranks and places, lists, lease.
    assert_eq!(costs, [(30, 12), (31, 12)]);
}

#[tokio::test]
async fn teams_that_are_not_active_or_have_no_paid_member_are_not_listed() {
    let world = World::new().await;
    for (id, is_active) in [("a", true), ("b", false), ("c", true)] {
        found_team(&world, id, is_active).await;
    }
    let in_team = |tg_id, balance, team: &str| Member {
        team_id: Some(team.to_owned()),
        ..paid(&world, tg_id, balance, Some("Омск"))
    };
    let unpaid = Member { subscription_expires: None, ..in_team(4, 900, "c") };
    let unknown = in_team(5, 900, "nowhere");
    let members = [in_team(1, 10, "a"), in_team(2, 11, "a"), in_team(3, 500, "b"), unpaid, unknown];
    join(&world, &members).await;
    let run = world.tick(publish()).await.unwrap();
    assert_eq!(run["teams"], 1);
    let all = published(&world).await.unwrap();
    let rows: Vec<_> = all.teams.rows.iter().map(|r| (r.rank, r.id.as_str(), r.members)).collect();
    assert_eq!(rows, [(1, "a", 2)], "whoever is not listed takes nobody's place");
}

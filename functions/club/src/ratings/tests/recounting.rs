//! The nightly recount: what it finds, what it repairs, and what it leaves alone.

use engine::{CrashMode, CrashPlan, Fault, FaultKind, Target, When};
use shared::table::{Entity, Key, Write};

use super::super::model::{CityTotal, Contribution, Standing, TeamTotal};
use super::super::store::bucket_key;
use super::*;

const RECOUNT: &str = "local-club-ratings-reconcile";
/// The kinds of everything that contributions add up to.
const KINDS: [&str; 5] = ["Contribution", "CityTotal", "TeamTotal", "ScoreBucket", "XpStanding"];

async fn peopled(world: &World) -> Vec<Member> {
    for id in ["a", "b"] {
        found_team(world, id, true).await;
    }
    let members: Vec<Member> = (1..=70)
        .map(|n| Member {
            team_id: ["a", "b"].get(usize::try_from(n % 3).unwrap()).map(|id| (*id).to_owned()),
            experience: u32::try_from(n % 5).unwrap() * 50,
            ..paid(world, n, n * 30, ["Омск", "Тула"].get(usize::try_from(n % 4).unwrap()).copied())
        })
        .collect();
    join(world, &members).await;
    members
}

/// Everything that ratings are made of, without the counters of changes.
async fn state(world: &World) -> Vec<Value> {
    let mut all = Vec::new();
    for kind in KINDS {
        for mut item in world.items(kind).await {
            let fields = item.as_object_mut().unwrap();
            fields.remove("revision");
            // A score that nobody has any more may stand as 0 or not at all.
            fields.retain(|name, value| !(name.starts_with('s') && value["N"] == "0"));
            let is_score = |name: &String| name.starts_with('s') && name != "sk";
            // A bucket of nobody may be there or not.
            if kind != "ScoreBucket" || fields.keys().any(is_score) {
                all.push(item);
            }
        }
    }
    all
}

async fn spoil(world: &World, write: Write) {
    world.table().write(write).await.unwrap();
}

/// Makes one item of each kind say something else.
async fn spoil_everything(world: &World) {
    let total = |key: Key| Write::update("total", key);
    spoil(world, total(CityTotal::key_of("омск")).add("energies", 7)).await;
    spoil(
        world,
        total(CityTotal::key_of("чита"))
            .set("kind", "CityTotal")
            .set("city_key", "чита")
            .set("city", "Чита")
            .set("energies", 5)
            .set("members", 1),
    )
    .await;
    spoil(world, total(TeamTotal::key_of("a")).add("members", -1)).await;
    spoil(world, Write::delete("total", TeamTotal::key_of("b"))).await;
    spoil(world, total(bucket_key(3)).add("s390", 2).add("s355", 1)).await;
    spoil(world, total(Contribution::key_of(9)).set("energies", 100_000)).await;
    let held: Contribution = world.table().get(&Contribution::key_of(6)).await.unwrap().unwrap();
    spoil(world, Write::delete("standing", held.standing().unwrap().key())).await;
    let stale = Standing { experience: 9_000, ..held.standing().unwrap() };
    world.put(&stale).await;
}

#[tokio::test]
async fn seeded_members_stand_as_the_stream_would_leave_them() {
    let (streamed, world) = (World::new().await, World::new().await);
    let members = peopled(&streamed).await;
    for id in ["a", "b"] {
        found_team(&world, id, true).await;
    }
    let mut seeds = Seeds::default();
    for member in &members {
        let items = seeds.add(member, world.now());
        world.table().write_batch(items).await.unwrap();
        world.put(member).await;
    }
    for total in seeds.totals() {
        world.table().write(total).await.unwrap();
    }
    let expected = state(&streamed).await;
    assert_eq!(state(&world).await, expected);
    feed(&world, &members.iter().map(record).collect::<Vec<_>>()).await;
    assert_eq!(state(&world).await, expected, "the stream finds nothing to do");
    let seen = world.tick(reconcile()).await.unwrap();
    assert_eq!(
        (&seen["members"], &seen["late"], &seen["drift"]),
        (&json!(70), &json!(0), &json!(0))
    );
}

#[tokio::test]
async fn ratings_that_add_up_are_left_alone() {
    let world = World::new().await;
    peopled(&world).await;
    let before = state(&world).await;
    let run = world.tick(reconcile()).await.unwrap();
    let expected = json!({
        "lease_held": false, "members": 70, "late": 0, "drift": 0, "repaired": 0, "unsettled": 0,
        "complete": true,
    });
    assert_eq!(run, expected);
    assert_eq!(state(&world).await, before);
    assert!(world.items("Outbox").await.is_empty());
}

#[tokio::test]
async fn drift_is_told_of_and_repaired() {
    let world = World::new().await;
    let members = peopled(&world).await;
    let before = state(&world).await;
    spoil_everything(&world).await;
    assert_ne!(state(&world).await, before);
    let run = world.tick(reconcile()).await.unwrap();
    assert_eq!((&run["complete"], &run["unsettled"]), (&json!(true), &json!(0)), "{run}");
    assert_eq!(run["drift"], run["repaired"]);
    assert!(run["drift"].as_u64().unwrap() >= 8, "{run}");
    let mut after = state(&world).await;
    // A total of nobody stays, and says so.
    after.retain(|item| item["city_key"]["S"] != "чита");
    assert_eq!(after, before);
    let alerts = world.items("Outbox").await;
    assert_eq!(alerts.len(), 1);
    assert!(alerts[0].to_string().contains("Рейтинги разошлись"), "{alerts:?}");
    world.tick(publish()).await.unwrap();
    agrees(&world, &members, world.now()).await;
    world.pass(Duration::from_secs(86_400));
    let again = world.tick(reconcile()).await.unwrap();
    assert_eq!((&again["drift"], &again["complete"]), (&json!(0), &json!(true)), "{again}");
    assert_eq!(world.items("Outbox").await.len(), 1);
}

#[tokio::test]
async fn what_the_stream_has_not_told_yet_is_no_drift() {
    let world = World::new().await;
    let mut members = peopled(&world).await;
    let late = Member { version: 2, balance: 5, ..members[0].clone() };
    world.put(&late).await;
    members[0] = late;
    let new = paid(&world, 500, 9, Some("Омск"));
    world.put(&new).await;
    members.push(new);
    // Time that has run out is publishing's.
    members[1].subscription_expires = Some(world.now() + SignedDuration::from_mins(1));
    members[1].version = 2;
    join(&world, &members[1..2]).await;
    world.pass(Duration::from_secs(120));
    let run = world.tick(reconcile()).await.unwrap();
    assert_eq!(
        (&run["late"], &run["drift"], &run["unsettled"]),
        (&json!(2), &json!(0), &json!(0)),
        "{run}"
    );
    world.tick(publish()).await.unwrap();
    agrees(&world, &members, world.now()).await;
}

#[tokio::test]
async fn a_registry_that_lags_is_not_believed() {
    let world = World::new().await;
    peopled(&world).await;
    let before = state(&world).await;
    // The first walk sees no members at all in the registry's sixteen partitions.
    let lag = Fault::new(Target::Dynamodb, FaultKind::IndexLag);
    let lag = lag.caller(RECOUNT).operation("Query").when(When::Calls((0..16).collect()));
    world.engine.faults().inject(lag);
    let run = world.tick(reconcile()).await.unwrap();
    assert!(world.engine.faults().struck() > 0);
    world.engine.faults().clear();
    assert_eq!((&run["drift"], &run["complete"]), (&json!(0), &json!(true)), "{run}");
    assert_eq!(state(&world).await, before);
}

#[tokio::test]
async fn a_recount_that_dies_leaves_nothing_worse_and_the_next_one_ends_it() {
    for mode in [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer] {
        let world = World::new().await;
        let members = peopled(&world).await;
        let before = state(&world).await;
        let (mut at, mut told) = (0, 0);
        loop {
            spoil(&world, Write::update("total", CityTotal::key_of("тула")).add("energies", 3))
                .await;
            spoil(&world, Write::update("total", Contribution::key_of(9)).set("energies", 1)).await;
            world.pass(Duration::from_secs(3_600));
            world.engine.faults().crash(CrashPlan { caller: Some(RECOUNT.to_owned()), at, mode });
            let _ = world.tick(reconcile()).await;
            let crashed = world.engine.faults().crashed();
            world.engine.faults().clear();
            world.pass(Duration::from_secs(3_600));
            let run = world.tick(reconcile()).await.unwrap();
            assert_eq!(run["complete"], true, "{mode:?} {at}: {run}");
            assert_eq!(state(&world).await, before, "{mode:?} {at}");
            let alerts = world.items("Outbox").await.len();
            assert!(alerts > told, "{mode:?} {at}: nobody was told");
            told = alerts;
            if !crashed {
                break;
            }
            // The walks of a run are alike: every third of their steps at first, later every 13th.
            at += if at < 40 { 3 } else { 13 };
        }
        assert!(at > 60, "{at}");
        world.tick(publish()).await.unwrap();
        agrees(&world, &members, world.now()).await;
    }
}

#[tokio::test]
async fn two_recounts_at_once_are_one() {
    let world = World::new().await;
    peopled(&world).await;
    let now = world.now();
    let until = now + SignedDuration::from_hours(1);
    shared::lease::Lease::acquire(world.table(), "ratings_reconcile", now, until).await.unwrap();
    assert_eq!(world.tick(reconcile()).await.unwrap()["lease_held"], true);
}

//! The ratings against brute force, in any order and with replays.

mod publishing;
mod reading;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use shared::table::Item;

use super::store::{CityList, LeaderList};
use super::*;
use crate::auth::{Member, city_key};
use crate::testing::{Reply, Request, World};

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// The record that the change stream has of this version of a member.
fn record(member: &Member) -> Value {
    let image: serde_json::Map<String, Value> = Item::of(member)
        .unwrap()
        .0
        .iter()
        .map(|(name, value)| {
            let json = value
                .as_s()
                .map(|text| json!({ "S": text }))
                .or_else(|_| value.as_n().map(|number| json!({ "N": number })))
                .or_else(|_| value.as_bool().map(|truth| json!({ "BOOL": truth })))
                .unwrap_or_else(|_| json!({ "M": {} }));
            (name.clone(), json)
        })
        .collect();
    json!({
        "eventID": "1", "eventName": "MODIFY", "eventSource": "aws:dynamodb",
        "eventVersion": "1.1", "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_768_900_000,
            "Keys": { "pk": image["pk"], "sk": image["sk"] }, "NewImage": image,
            "SequenceNumber": "1", "SizeBytes": 1, "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    })
}

async fn feed(world: &World, records: &[Value]) {
    let instance = world.start(aggregate()).await;
    for some in records.chunks(100) {
        let answer = world.run(&instance, &json!({ "Records": some })).await.0.unwrap();
        assert_eq!(answer["batchItemFailures"], json!([]));
    }
}

/// A member who has paid for 30 days.
fn paid(world: &World, tg_id: i64, balance: i64, city: Option<&str>) -> Member {
    Member {
        balance,
        city: city.map(str::to_owned),
        city_key: city.map(city_key),
        subscription_expires: Some(world.now() + SignedDuration::from_hours(720)),
        first_name: format!("Имя{tg_id}"),
        ..Member::new(tg_id, None, None, world.now())
    }
}

async fn join(world: &World, members: &[Member]) {
    for member in members {
        world.put(member).await;
    }
    feed(world, &members.iter().map(record).collect::<Vec<_>>()).await;
}

async fn published(world: &World) -> Option<(CityList, LeaderList)> {
    let table = world.table();
    let tag = store::tag(table).await.unwrap();
    let cities = store::city_list(table).await.unwrap();
    let leaders = table.get::<LeaderList>(&LeaderList::key_of()).await.unwrap();
    let (cities, leaders) = cities.zip(leaders)?;
    assert_eq!((&tag, &Some(leaders.tag.clone())), (&Some(cities.tag.clone()), &tag));
    Some((cities, leaders))
}

/// Everything that is published, against the members themselves.
async fn agrees(world: &World, members: &[Member], at: Instant) {
    let (cities, leaders) = published(world).await.unwrap();
    assert_eq!(leaders.tag.generated_at, at);
    let eligible: Vec<&Member> = members.iter().filter(|member| member.is_paid(at)).collect();
    assert_eq!(leaders.total, u64::try_from(eligible.len()).unwrap());
    let rank = |score: i64| {
        1 + u64::try_from(eligible.iter().filter(|other| other.balance > score).count()).unwrap()
    };
    let mut best = eligible.clone();
    best.sort_by(|a, b| b.balance.cmp(&a.balance).then_with(|| a.id.cmp(&b.id)));
    let expected: Vec<_> =
        best.iter().take(100).map(|m| (rank(m.balance), m.id.clone(), m.balance)).collect();
    let found: Vec<_> = leaders.rows.iter().map(|r| (r.rank, r.id.clone(), r.energies)).collect();
    assert_eq!(found, expected);
    for member in members {
        let found = store::rank(world.table(), &leaders, member.balance).await.unwrap();
        assert_eq!(found, rank(member.balance), "{}", member.balance);
    }
    let mut sums: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for member in &eligible {
        if let Some(key) = &member.city_key {
            let sum = sums.entry(key.clone()).or_default();
            *sum = (sum.0 + member.balance, sum.1 + 1);
        }
    }
    let mut ordered: Vec<_> = sums.iter().collect();
    ordered.sort_by(|a, b| b.1.0.cmp(&a.1.0).then_with(|| a.0.cmp(b.0)));
    let place = |total: i64| 1 + sums.values().filter(|other| other.0 > total).count();
    let expected: Vec<_> = ordered
        .iter()
        .map(|(key, (total, count))| (place(*total), (*key).clone(), *total, *count))
        .collect();
    let found: Vec<_> = cities
        .rows
        .iter()
        .map(|r| (usize::try_from(r.rank).unwrap(), city_key(&r.city), r.energies, r.members))
        .collect();
    assert_eq!(found, expected);
}

/// A thousand random changes of 150 members, told by the stream out of order and twice.
async fn mutated_and_replayed(seed: u64) {
    let world = World::new().await;
    let mut dice = Dice(seed);
    let cities = [None, Some("Москва"), Some("Орёл"), Some("Орел"), Some("Омск"), Some("Тула")];
    let mut members: Vec<Member> = (1..=150).map(|tg_id| paid(&world, tg_id, 0, None)).collect();
    let mut records: Vec<Value> = members.iter().map(record).collect();
    for _ in 0..1_000 {
        let index = usize::try_from(dice.below(150)).unwrap();
        let city = cities[usize::try_from(dice.below(6)).unwrap()];
        let hours = i64::try_from(dice.below(60)).unwrap() - 10;
        let member = &mut members[index];
        match dice.below(4) {
            0 => member.balance = i64::try_from(dice.below(40)).unwrap() * 50,
            1 => member.balance += 1_000_000_007,
            2 => {
                member.city = city.map(str::to_owned);
                member.city_key = city.map(city_key);
            }
            _ => {
                member.subscription_expires = Some(world.now() + SignedDuration::from_hours(hours));
            }
        }
        member.version += 1;
        records.push(record(member));
        if dice.below(100) == 0 {
            // Tell what has happened so far, and let time pass over some subscriptions.
            feed(&world, &records.split_off(records.len() / 2)).await;
            world.pass(Duration::from_secs(3_600));
        }
        if dice.below(3) == 0 {
            let again =
                usize::try_from(dice.below(records.len().max(1).try_into().unwrap())).unwrap();
            records.extend(records.get(again).cloned());
        }
    }
    for member in &members {
        world.put(member).await;
        records.push(record(member));
    }
    for last in (1..records.len()).rev() {
        let other = usize::try_from(dice.below(u64::try_from(last + 1).unwrap())).unwrap();
        records.swap(last, other);
    }
    feed(&world, &records).await;
    world.pass(Duration::from_secs(3_600 * 7));
    let run = world.tick(publish()).await.unwrap();
    assert_eq!(run["published"], true);
    agrees(&world, &members, world.now()).await;
    feed(&world, &records[..200]).await;
    world.pass(Duration::from_secs(3_600));
    world.tick(publish()).await.unwrap();
    agrees(&world, &members, world.now()).await;
}

#[tokio::test]
async fn a_thousand_changes_told_in_any_order_equal_brute_force() {
    for seed in [1, 20_260_131] {
        mutated_and_replayed(seed).await;
    }
}

#[tokio::test]
async fn who_stops_paying_leaves_with_the_next_generation_without_a_write() {
    let world = World::new().await;
    let stays = paid(&world, 1, 10, Some("Омск"));
    let leaves = Member {
        subscription_expires: Some(world.now() + SignedDuration::from_mins(30)),
        ..paid(&world, 2, 20, Some("Омск"))
    };
    join(&world, &[stays.clone(), leaves.clone()]).await;
    world.tick(publish()).await.unwrap();
    let token = world.token(&leaves).await;
    let mine = Request::get("/api/v1/ratings/personal").token(&token);
    let rank = |reply: Reply| reply.body["user"]["rank"].clone();
    assert_eq!(rank(world.call(personal(), mine.clone()).await), 1);
    world.pass(Duration::from_secs(1_800));
    assert_eq!(rank(world.call(personal(), mine.clone()).await), 1, "until the next generation");
    world.pass(Duration::from_secs(1_800));
    let run = world.tick(publish()).await.unwrap();
    assert_eq!((&run["expired"], &run["members"]), (&json!(1), &json!(1)));
    assert_eq!(rank(world.call(personal(), mine).await), 0);
    agrees(&world, &[stays, leaves], world.now()).await;
}

#[tokio::test]
async fn who_paid_again_stays_even_if_the_stream_is_late() {
    let world = World::new().await;
    let short = Member {
        subscription_expires: Some(world.now() + SignedDuration::from_mins(30)),
        ..paid(&world, 1, 20, Some("Омск"))
    };
    join(&world, std::slice::from_ref(&short)).await;
    let renewed = Member {
        version: short.version + 1,
        balance: 520,
        subscription_expires: Some(world.now() + SignedDuration::from_hours(720)),
        ..short
    };
    world.put(&renewed).await;
    world.pass(Duration::from_secs(3_600));
    world.tick(publish()).await.unwrap();
    agrees(&world, std::slice::from_ref(&renewed), world.now()).await;
    feed(&world, &[record(&renewed)]).await;
    world.pass(Duration::from_secs(3_600));
    world.tick(publish()).await.unwrap();
    agrees(&world, &[renewed], world.now()).await;
}

#[tokio::test]
async fn versions_applied_side_by_side_end_with_the_latest() {
    let world = World::new().await;
    let member = paid(&world, 1, 0, Some("Тула"));
    world.put(&member).await;
    let mut tasks = tokio::task::JoinSet::new();
    for version in 1..=12 {
        let (table, now) = (world.table().clone(), world.now());
        let newer = Member { version, balance: 10 * version.cast_signed(), ..member.clone() };
        tasks.spawn(
            async move { store::apply(&table, &newer, now, None).await.map_err(|e| e.code()) },
        );
    }
    let outcomes = tasks.join_all().await;
    let latest = Member { version: 12, balance: 120, ..member };
    if outcomes.iter().any(Result::is_err) {
        // Who lost five times is told by the stream again.
        feed(&world, &[record(&latest)]).await;
    }
    world.put(&latest).await;
    world.tick(publish()).await.unwrap();
    agrees(&world, &[latest], world.now()).await;
}

#[tokio::test]
async fn a_change_costs_one_read_and_one_transaction() {
    let world = World::new().await;
    let member = paid(&world, 7, 30, Some("Омск"));
    let instance = world.start(aggregate()).await;
    let told = |member: &Member| json!({ "Records": [record(member)] });
    let (_, first) = world.run(&instance, &told(&member)).await;
    assert_eq!((first.requests, first.items), (2, 3));
    let again = world.run(&instance, &told(&member)).await.1;
    assert_eq!((again.requests, again.items), (1, 0));
    let active = Member { version: 2, ..member.clone() };
    let same = world.run(&instance, &told(&active)).await.1;
    assert_eq!((same.requests, same.items), (2, 1));
    let moved = Member {
        version: 3,
        balance: 5_000,
        city: Some("Тула".to_owned()),
        city_key: Some("тула".to_owned()),
        ..member
    };
    let moved = world.run(&instance, &told(&moved)).await.1;
    assert_eq!((moved.requests, moved.items), (2, 5));
}

//! The ratings against brute force, in any order and with replays.

mod own;
mod permissions;
mod publishing;
mod reading;
mod recounting;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use shared::table::Entity as _;

use super::lists::TOP;
use super::model::ListedTeam;
use super::published::{CityList, Directory, Generation, LeaderList, TeamList, VeteranList};
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

/// A value as the change stream writes it.
fn streamed(value: &Value) -> Value {
    match value {
        Value::Null => json!({ "NULL": true }),
        Value::Bool(truth) => json!({ "BOOL": truth }),
        Value::Number(number) => json!({ "N": number.to_string() }),
        Value::String(text) => json!({ "S": text }),
        Value::Array(values) => json!({ "L": values.iter().map(streamed).collect::<Vec<_>>() }),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), streamed(value)));
            json!({ "M": fields.collect::<serde_json::Map<_, _>>() })
        }
    }
}

/// The record that the change stream has of this version of a member.
fn record(member: &Member) -> Value {
    let Value::Object(mut image) = serde_json::to_value(member).unwrap() else { unreachable!() };
    let key = member.key();
    image.insert("pk".to_owned(), key.pk.into());
    image.insert("sk".to_owned(), key.sk.into());
    image.insert("kind".to_owned(), Member::KIND.into());
    image.retain(|_, value| !value.is_null());
    let image = streamed(&Value::Object(image))["M"].clone();
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

async fn published(world: &World) -> Option<Generation> {
    let table = world.table();
    let tag = published::tag(table).await.unwrap();
    let directory: Option<Directory> = table.get(&Directory::key_of()).await.unwrap();
    let Some(directory) = directory else {
        assert_eq!(tag, None);
        return None;
    };
    let cities: CityList = published::list(table).await.unwrap().unwrap();
    let teams: TeamList = published::list(table).await.unwrap().unwrap();
    let leaders: LeaderList = published::list(table).await.unwrap().unwrap();
    let veterans: VeteranList = published::list(table).await.unwrap().unwrap();
    for of in [&directory.tag, &cities.tag, &teams.tag, &leaders.tag, &veterans.tag] {
        assert_eq!(Some(of), tag.as_ref());
    }
    Some(Generation { directory, cities, teams, leaders, veterans })
}

/// A team's row, as far as ratings look at it.
async fn found_team(world: &World, id: &str, is_active: bool) {
    let (name, city) = (format!("Десятка {id}"), "Омск".to_owned());
    world.put(&ListedTeam { id: id.to_owned(), name, city, number: 7, is_active }).await;
}

/// 1 + how many of `all` are above.
fn place<T: PartialOrd>(all: &[T], own: &T) -> u64 {
    1 + u64::try_from(all.iter().filter(|other| *other > own).count()).unwrap()
}

/// Sums and counts of the eligible by what `of` names.
fn sums(
    eligible: &[&Member],
    of: impl Fn(&Member) -> Option<String>,
) -> BTreeMap<String, (i64, i64)> {
    let mut sums: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for member in eligible {
        if let Some(name) = of(member) {
            let sum = sums.entry(name).or_default();
            *sum = (sum.0 + member.balance, sum.1 + 1);
        }
    }
    sums
}

/// Everything that is published, against the members themselves.
async fn agrees(world: &World, members: &[Member], at: Instant) {
    let all = published(world).await.unwrap();
    assert_eq!(all.directory.tag.generated_at, at);
    let eligible: Vec<&Member> = members.iter().filter(|member| member.is_paid(at)).collect();
    assert_eq!(all.directory.total, u64::try_from(eligible.len()).unwrap());
    let scores: Vec<i64> = eligible.iter().map(|member| member.balance).collect();
    let mut best = eligible.clone();
    best.sort_by(|a, b| b.balance.cmp(&a.balance).then_with(|| a.id.cmp(&b.id)));
    let expected: Vec<_> = best
        .iter()
        .take(TOP)
        .map(|m| (place(&scores, &m.balance), m.id.clone(), m.balance))
        .collect();
    let found = all.leaders.rows.iter().map(|r| (r.rank, r.id.clone(), r.energies));
    assert_eq!(found.collect::<Vec<_>>(), expected);

    let cities = sums(&eligible, |member| member.city_key.clone());
    let totals: Vec<i64> = cities.values().map(|(total, _)| *total).collect();
    let mut ordered: Vec<_> = cities.iter().collect();
    ordered.sort_by(|a, b| b.1.0.cmp(&a.1.0).then_with(|| a.0.cmp(b.0)));
    let expected = ordered
        .iter()
        .take(TOP)
        .map(|(key, (total, count))| (place(&totals, total), (*key).clone(), *total, *count));
    let found = all.cities.rows.iter().map(|r| (r.rank, city_key(&r.city), r.energies, r.members));
    assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>());

    let teams = sums(&eligible, |member| member.team_id.clone());
    // a/b > c/d as ad > cb, which is exact.
    let above = |a: &(i64, i64), b: &(i64, i64)| {
        (i128::from(a.0) * i128::from(b.1)).cmp(&(i128::from(b.0) * i128::from(a.1)))
    };
    let team_place = |own: &(i64, i64)| {
        1 + u64::try_from(teams.values().filter(|other| above(other, own).is_gt()).count()).unwrap()
    };
    let mut ordered: Vec<_> = teams.iter().collect();
    ordered.sort_by(|a, b| above(b.1, a.1).then_with(|| a.0.cmp(b.0)));
    let expected = ordered
        .iter()
        .take(TOP)
        .map(|(id, sum)| (team_place(sum), (*id).clone(), format!("Десятка {id}"), sum.0, sum.1));
    let found = all.teams.rows.iter();
    let found = found.map(|r| (r.rank, r.id.clone(), r.name.clone(), r.energies, r.members));
    assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>());

    let mut veterans: Vec<_> = eligible.iter().filter(|member| member.experience > 0).collect();
    let points: Vec<u32> = veterans.iter().map(|member| member.experience).collect();
    veterans.sort_by(|a, b| b.experience.cmp(&a.experience).then_with(|| a.id.cmp(&b.id)));
    let expected = veterans
        .iter()
        .take(TOP)
        .map(|m| (place(&points, &m.experience), m.id.clone(), m.experience, m.streak));
    let found = all.veterans.rows.iter().map(|r| (r.rank, r.id.clone(), r.experience, r.streak));
    assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>());

    for member in members {
        let directory = all.directory.clone();
        let shown = shown::show(world.table(), directory, member, &[], true).await.unwrap();
        let rank = if member.is_paid(at) { place(&scores, &member.balance) } else { 0 };
        assert_eq!(shown.own.rank, rank, "{}", member.balance);
        let city = member.city_key.as_ref().and_then(|key| cities.get(key));
        assert_eq!(shown.own.city, city.map(|(total, _)| place(&totals, total)));
        let team = member.team_id.as_ref().and_then(|id| teams.get(id));
        assert_eq!(shown.own.team, team.map(&team_place));
    }
}

/// A thousand random changes of 150 members, told by the stream out of order and twice.
async fn mutated_and_replayed(seed: u64) {
    let world = World::new().await;
    let mut dice = Dice(seed);
    let cities = [None, Some("Москва"), Some("Орёл"), Some("Орел"), Some("Омск"), Some("Тула")];
    let teams = [None, Some("a"), Some("b"), Some("c")];
    for team in teams.iter().flatten() {
        found_team(&world, team, true).await;
    }
    let mut members: Vec<Member> = (1..=150).map(|tg_id| paid(&world, tg_id, 0, None)).collect();
    let mut records: Vec<Value> = members.iter().map(record).collect();
    for _ in 0..1_000 {
        let index = usize::try_from(dice.below(150)).unwrap();
        let city = cities[usize::try_from(dice.below(6)).unwrap()];
        let hours = i64::try_from(dice.below(60)).unwrap() - 10;
        let member = &mut members[index];
        match dice.below(6) {
            4 => member.team_id = teams[usize::try_from(dice.below(4)).unwrap()].map(str::to_owned),
            5 => {
                member.experience += u32::try_from(dice.below(3)).unwrap() * 50;
                member.streak = u32::try_from(dice.below(9)).unwrap();
            }
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
    let cost = world.run(&instance, &told(&moved)).await.1;
    assert_eq!((cost.requests, cost.items), (2, 5));
    let joined = Member { version: 4, team_id: Some("a".to_owned()), ..moved.clone() };
    let cost = world.run(&instance, &told(&joined)).await.1;
    assert_eq!((cost.requests, cost.items), (2, 2));
    // An award to a member of a team: contribution, city, team, the two buckets.
    let richer = Member { version: 5, balance: 5_500, ..joined.clone() };
    let cost = world.run(&instance, &told(&richer)).await.1;
    assert_eq!((cost.requests, cost.items), (2, 5));
    let experienced = Member { version: 6, experience: 50, ..richer.clone() };
    let cost = world.run(&instance, &told(&experienced)).await.1;
    assert_eq!((cost.requests, cost.items), (2, 2));
    let more = Member { version: 7, experience: 100, ..experienced };
    let cost = world.run(&instance, &told(&more)).await.1;
    assert_eq!((cost.requests, cost.items), (2, 3));
}

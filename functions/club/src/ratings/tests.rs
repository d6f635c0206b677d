//! The ratings against brute force, replays, deaths and overtaken publishers.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::{CrashMode, CrashPlan, Fault, FaultKind, Target, When};
use http::StatusCode;
use jiff::SignedDuration;
use serde_json::{Value, json};
use shared::lease::Lease;
use shared::table::Item;

use super::jobs::publish_generation;
use super::store::{CityList, LeaderList, Tag};
use super::*;
use crate::auth::{Member, city_key};
use crate::testing::{Request, World};

const PUBLISHER: &str = "local-club-ratings-publish";

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
async fn the_rank_is_exact_far_below_the_list() {
    let world = World::new().await;
    let members: Vec<Member> =
        (1..=1_000).map(|n| paid(&world, n, (n * 7) % 5_003, Some("Москва"))).collect();
    join(&world, &members).await;
    world.tick(publish()).await.unwrap();
    agrees(&world, &members, world.now()).await;
    assert!(world.items("RatingRanks").await.len() >= 3);
    let last = members.iter().min_by_key(|member| member.balance).unwrap();
    let token = world.token(last).await;
    let reply =
        world.call(personal(), Request::get("/api/v1/ratings/personal").token(&token)).await;
    assert_eq!((reply.status, &reply.body["user"]["rank"]), (StatusCode::OK, &json!(1000)));
    assert_eq!(reply.body["topUsers"].as_array().unwrap().len(), 100);
    assert!(reply.cost.requests <= 3, "{:?}", reply.cost);
    let without_telegram_id = |row: &Value| row.get("telegramId").is_none();
    assert!(reply.body["topUsers"].as_array().unwrap().iter().all(without_telegram_id));
    assert_eq!(reply.body["user"]["telegramId"], last.tg_id);
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
    let rank = |reply: crate::testing::Reply| reply.body["user"]["rank"].clone();
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
async fn a_publisher_that_dies_leaves_a_whole_generation() {
    for mode in [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer] {
        let world = World::new().await;
        let mut members: Vec<Member> =
            (1..=12).map(|n| paid(&world, n, n * 10, Some("Омск"))).collect();
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
            if now.1.tag == last.1.tag {
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
    // Queries in their order: four of ended time, four of cities, four of scores, four of leaders.
    let lag = Fault::new(Target::Dynamodb, FaultKind::IndexLag);
    let lag = lag.caller(PUBLISHER).operation("Query").when(When::Calls((12..16).collect()));
    world.engine.faults().inject(lag);
    world.tick(publish()).await.unwrap();
    assert!(world.engine.faults().struck() > 0);
    agrees(&world, &members, world.now()).await;
}

#[tokio::test]
async fn cities_cost_one_request_and_a_known_list_a_small_one() {
    let world = World::new().await;
    let instance = world.start(cities()).await;
    let path = "/api/v1/ratings/cities?limit=500";
    let empty = world.send(&instance, Request::get(path)).await;
    let nothing = json!({ "success": true, "ratings": [], "generatedAt": null, "generation": 0 });
    assert_eq!((empty.cost.requests, empty.body), (1, nothing));
    let members = [
        paid(&world, 1, 10, Some("Омск")),
        paid(&world, 2, 15, Some("Омск")),
        paid(&world, 3, 25, Some("Тула")),
        paid(&world, 4, 1, Some("Орёл")),
        paid(&world, 5, 99, None),
    ];
    join(&world, &members).await;
    world.tick(publish()).await.unwrap();
    let miss = world.send(&instance, Request::get(path)).await;
    let row = |rank: u8, city: &str, total: u8, count: u8, mean: u8| {
        json!({
            "rank": rank, "city": city, "totalEnergies": total, "memberCount": count,
            "userCount": count, "avgEnergies": mean,
        })
    };
    let rows = [row(1, "Омск", 25, 2, 13), row(1, "Тула", 25, 1, 25), row(3, "Орёл", 1, 1, 1)];
    assert_eq!(miss.body["ratings"], json!(rows));
    assert_eq!(miss.body["generatedAt"], json!(world.now()));
    assert_eq!((&miss.headers["x-cache"], miss.cost.requests), (&json!("MISS"), 2));
    assert_eq!(miss.headers["cache-control"], "public, max-age=300");
    let hit = world.send(&instance, Request::get(path)).await;
    assert_eq!((&hit.headers["x-cache"], hit.cost.requests), (&json!("HIT"), 1));
    let etag = miss.headers["etag"].as_str().unwrap();
    let cold = world.start(cities()).await;
    let known = Request::get(path).header("if-none-match", etag);
    let known = world.send(&cold, known).await;
    assert_eq!((known.status, known.cost.requests), (StatusCode::NOT_MODIFIED, 1));
    assert!(known.cost.read_milliunits <= 1_000);
    let fresh = world.send(&cold, Request::get("/api/v1/ratings/cities?limit=1")).await;
    assert_eq!((fresh.body["ratings"].as_array().unwrap().len(), fresh.cost.requests), (1, 1));
    let bad = world.send(&cold, Request::get("/api/v1/ratings/cities?limit=0")).await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_member_sees_the_list_and_the_own_place() {
    let world = World::new().await;
    let member = paid(&world, 7, 30, Some("Омск"));
    world.put(&member).await;
    let token = world.token(&member).await;
    let instance = world.start(personal()).await;
    let mine =
        |query: &str| Request::get(&format!("/api/v1/ratings/personal{query}")).token(&token);
    let empty = world.send(&instance, mine("")).await;
    assert_eq!((&empty.body["user"]["rank"], &empty.body["topUsers"]), (&json!(0), &json!([])));
    assert_eq!(empty.cost.requests, 1);
    join(&world, &[member.clone(), paid(&world, 8, 40, None), paid(&world, 9, 30, None)]).await;
    world.tick(publish()).await.unwrap();
    let seen = world.send(&instance, mine("?userId=7")).await;
    let user = &seen.body["user"];
    assert_eq!(
        (&user["rank"], &user["total"], &user["energies"]),
        (&json!(2), &json!(3), &json!(30))
    );
    assert_eq!((&user["name"], &user["level"]), (&json!("Имя7"), &json!(1)));
    let ranks: Vec<_> =
        seen.body["topUsers"].as_array().unwrap().iter().map(|row| row["rank"].clone()).collect();
    assert_eq!(ranks, [1, 2, 2]);
    let etag = seen.headers["etag"].as_str().unwrap().to_owned();
    let known = world.send(&instance, mine("?userId=7").header("if-none-match", &etag)).await;
    assert_eq!((known.status, known.cost.requests), (StatusCode::NOT_MODIFIED, 1));
    // An award counts at once against the published others.
    let richer = Member { version: 2, balance: 35, ..member.clone() };
    world.put(&richer).await;
    let moved = world.send(&instance, mine("?userId=7").header("if-none-match", &etag)).await;
    assert_eq!((moved.status, &moved.body["user"]["rank"]), (StatusCode::OK, &json!(2)));
    assert!(moved.cost.requests <= 3);
    let foreign = world.send(&instance, mine("?userId=8")).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    let own = world.send(&instance, mine(&format!("?userId={}", member.id))).await;
    assert_eq!(own.status, StatusCode::OK);
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

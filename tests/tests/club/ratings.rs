//! Ratings of cities and of members from the published snapshot (§10, §5.4).

use serde_json::{Value, json};
use tests::{Member, World, local};

use crate::{DAY, tag, unless};

const CITIES: &str = "/api/v1/ratings/cities";
const PERSONAL: &str = "/api/v1/ratings/personal";

async fn cities(world: &World) -> Vec<Value> {
    let body = world.get(CITIES).await.ok();
    body["ratings"].as_array().unwrap_or_else(|| panic!("ratings: {body}")).clone()
}

/// City, rank, total.
fn brief(ratings: &[Value]) -> Vec<(String, i64, i64)> {
    let row = |row: &Value| {
        let number = |field: &str| row[field].as_i64().unwrap_or_else(|| panic!("{field}: {row}"));
        (row["city"].as_str().unwrap().to_owned(), number("rank"), number("totalEnergies"))
    };
    ratings.iter().map(row).collect()
}

async fn lives_and_pays(world: &World, id: i64, city: &str, times: usize) -> Member {
    let member = world.member(id, "Анна").await;
    member.moves_to(city).await;
    for _ in 0..times {
        member.pays().await;
    }
    member
}

async fn own_row(member: &Member) -> Value {
    member.get(PERSONAL).await.ok()["user"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_first_publishing_there_is_nothing() {
    let world = local!();
    assert!(cities(&world).await.is_empty());
    let anna = lives_and_pays(&world, 42, "Казань", 1).await;
    world.idle().await;
    assert!(cities(&world).await.is_empty());
    assert_eq!(own_row(&anna).await["telegramId"], 42);
}

#[tokio::test(flavor = "multi_thread")]
async fn cities_are_ranked_by_the_sum_of_their_paid_members() {
    let world = local!();
    lives_and_pays(&world, 1, "Самара", 1).await;
    lives_and_pays(&world, 2, "Казань", 2).await;
    lives_and_pays(&world, 3, "самара", 2).await;
    lives_and_pays(&world, 4, "Анапа", 2).await;
    // Neither paid without a city nor living there unpaid counts.
    world.member(5, "Борис").await.pays().await;
    lives_and_pays(&world, 6, "Тула", 0).await;
    world.publish().await;
    let answer = world.get(CITIES).await;
    let body = answer.ok();
    let ratings = body["ratings"].as_array().unwrap();
    let wanted = [("Самара", 1, 1500), ("Анапа", 2, 1000), ("Казань", 2, 1000)];
    let wanted = wanted.map(|(city, rank, total)| (city.to_owned(), rank, total));
    assert_eq!(brief(ratings), wanted, "{answer}");
    assert_eq!((&ratings[0]["memberCount"], &ratings[0]["userCount"]), (&json!(2), &json!(2)));
    assert_eq!(ratings[0]["avgEnergies"].as_f64().unwrap(), 750.0);
    assert_eq!(body["generatedAt"], "2026-01-20T12:00:01.000Z");
    assert!(!body["generation"].is_null(), "{answer}");
    assert_eq!(answer.must("cache-control"), "public, max-age=300");
    let anna = world.member(7, "Вера").await;
    let personal = anna.get(CITIES).await;
    assert_eq!(personal.must("cache-control"), "private, max-age=300", "{personal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_sent_anew_only_when_it_has_changed() {
    let world = local!();
    let anna = lives_and_pays(&world, 42, "Казань", 1).await;
    world.publish().await;
    let first = world.get(CITIES).await;
    let old = tag(&first);
    assert_eq!(brief(first.ok()["ratings"].as_array().unwrap())[0].2, 500);
    let same = unless(world.get(CITIES), &old).await;
    assert!(same.is(304).body.is_empty(), "{same}");
    anna.pays().await;
    // The list is the snapshot: nothing moves before the next publishing.
    unless(world.get(CITIES), &old).await.is(304);
    world.publish().await;
    let changed = unless(world.get(CITIES), &old).await;
    assert_eq!(brief(changed.ok()["ratings"].as_array().unwrap())[0].2, 1000, "{changed}");
    assert_ne!(tag(&changed), old);
}

#[tokio::test(flavor = "multi_thread")]
async fn ratings_are_published_five_past_each_hour() {
    let world = local!();
    lives_and_pays(&world, 42, "Казань", 1).await;
    world.advance(299).await;
    assert!(cities(&world).await.is_empty());
    world.advance(1).await;
    assert_eq!(cities(&world).await.len(), 1);
    let body = world.get(CITIES).await.ok();
    assert_eq!(body["generatedAt"], "2026-01-20T12:05:00.000Z");
    let generation = body["generation"].clone();
    world.advance(3_600).await;
    let body = world.get(CITIES).await.ok();
    assert_eq!(body["generatedAt"], "2026-01-20T13:05:00.000Z");
    assert_ne!(body["generation"], generation);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_has_a_limit() {
    let world = local!();
    for (id, city) in [(1, "Казань"), (2, "Самара"), (3, "Тула")] {
        lives_and_pays(&world, id, city, 1).await;
    }
    world.publish().await;
    for (limit, count) in [("1", 1), ("2", 2), ("100", 3), ("1000000", 3)] {
        let body = world.get(&format!("{CITIES}?limit={limit}")).await.ok();
        assert_eq!(body["ratings"].as_array().unwrap().len(), count, "{limit}: {body}");
    }
    for bad in ["0", "-1", "abc", "1.5"] {
        let answer = world.get(&format!("{CITIES}?limit={bad}")).await;
        answer.problem(400, "validation_failed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_has_a_rank_shared_by_equals() {
    let world = local!();
    let first = lives_and_pays(&world, 1, "Казань", 3).await;
    let second = lives_and_pays(&world, 2, "Самара", 1).await;
    let third = lives_and_pays(&world, 3, "Тула", 1).await;
    let unpaid = world.member(4, "Борис").await;
    let last = lives_and_pays(&world, 5, "Тула", 0).await;
    world.publish().await;
    for (member, rank) in [(&first, 1), (&second, 2), (&third, 2), (&unpaid, 0), (&last, 0)] {
        let row = own_row(member).await;
        assert_eq!(row["rank"], rank, "{row}");
        assert_eq!(row["telegramId"], member.id(), "{row}");
        assert_eq!(row["energies"], member.balance().await, "{row}");
    }
    assert_eq!(own_row(&first).await["total"], 3);
    let body = second.get(PERSONAL).await.ok();
    let top = body["topUsers"].as_array().unwrap();
    let ranks: Vec<i64> = top.iter().map(|row| row["rank"].as_i64().unwrap()).collect();
    assert_eq!(ranks, [1, 2, 2], "{body}");
    for row in top {
        let own = row["userId"] == json!(second.uuid);
        assert!(own || row.get("telegramId").is_none_or(Value::is_null), "{row}");
        assert_eq!((&row["id"], &row["experience"]), (&row["userId"], &row["energies"]), "{row}");
    }
    let mut tied = vec![second.uuid.as_str(), third.uuid.as_str()];
    tied.sort_unstable();
    let shown: Vec<&str> = top[1..].iter().map(|row| row["userId"].as_str().unwrap()).collect();
    assert_eq!(shown, tied, "equals are ordered by id");
    assert_eq!(body["generatedAt"], "2026-01-20T12:00:01.000Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn personal_ratings_are_the_subjects_own() {
    let world = local!();
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    let foreign = anna.get(&format!("{PERSONAL}?userId={}", boris.uuid)).await;
    foreign.problem(403, "subject_mismatch");
    anna.get(&format!("{PERSONAL}?userId={}", anna.uuid)).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_ran_out_of_time_leaves_without_a_write() {
    let world = local!();
    let anna = lives_and_pays(&world, 42, "Казань", 1).await;
    world.publish().await;
    assert_eq!(cities(&world).await.len(), 1);
    world.advance(29 * DAY).await;
    world.publish().await;
    assert_eq!(cities(&world).await.len(), 1);
    world.advance(DAY + 1).await;
    world.publish().await;
    assert!(cities(&world).await.is_empty());
    let anna = anna.user.sign_in().await;
    let row = own_row(&anna).await;
    assert_eq!((&row["rank"], &row["energies"]), (&json!(0), &json!(500)), "{row}");
    anna.pays().await;
    world.publish().await;
    assert_eq!(brief(&cities(&world).await), [("Казань".to_owned(), 1, 1000)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_moves_takes_the_energies_along() {
    let world = local!();
    let anna = lives_and_pays(&world, 1, "Казань", 2).await;
    lives_and_pays(&world, 2, "Казань", 1).await;
    world.publish().await;
    anna.moves_to("Самара").await;
    world.publish().await;
    let wanted = [("Самара".to_owned(), 1, 1000), ("Казань".to_owned(), 2, 500)];
    assert_eq!(brief(&cities(&world).await), wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn publishing_twice_at_once_is_publishing() {
    let world = local!();
    lives_and_pays(&world, 1, "Казань", 1).await;
    world.advance(1).await;
    let publish = || world.run("club-ratings-publish");
    tokio::join!(publish(), publish(), publish());
    assert_eq!(brief(&cities(&world).await), [("Казань".to_owned(), 1, 500)]);
}

const POSITION: &str = "/api/v1/ratings/user-position";
const ALL_DATA: &str = "/api/v1/ratings/all-data";
const TEAMS: &str = "/api/v1/ratings/teams";
const LEADERBOARD: &str = "/api/v1/gamification/leaderboard";

#[tokio::test(flavor = "multi_thread")]
async fn a17_lists_name_their_generation_and_cost_one_request() {
    let world = local!();
    let anna = lives_and_pays(&world, 1, "Казань", 1).await;
    world.publish().await;
    for (path, rows) in [(CITIES, "ratings"), (TEAMS, "ratings"), (LEADERBOARD, "leaderboard")] {
        let answer = anna.get(path).await;
        let body = answer.ok();
        assert!(body[rows].is_array(), "{answer}");
        assert_eq!(body["generatedAt"], "2026-01-20T12:00:01.000Z", "{path}");
        assert_eq!(answer.cost().unwrap().requests, 1, "{path}");
        let known = unless(anna.get(path), &tag(&answer)).await;
        assert_eq!(
            (known.is(304).cost().unwrap().requests, known.must("x-cache")),
            (1, "HIT-304"),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a18_a_member_has_a_position_of_the_snapshot() {
    let world = local!();
    let first = lives_and_pays(&world, 1, "Казань", 3).await;
    let second = lives_and_pays(&world, 2, "Самара", 1).await;
    let unpaid = lives_and_pays(&world, 3, "Тула", 0).await;
    world.publish().await;
    for (member, rank, city, eligible) in [
        (&first, 1, json!(1), true),
        (&second, 2, json!(2), true),
        (&unpaid, 0, Value::Null, false),
    ] {
        let answer = member.get(POSITION).await;
        let position = answer.ok()["position"].clone();
        assert_eq!(
            (&position["globalRank"], &position["personalRank"]),
            (&json!(rank), &json!(rank))
        );
        assert_eq!((&position["cityRank"], &position["eligible"]), (&city, &json!(eligible)));
        assert_eq!((&position["teamRank"], &position["total"]), (&Value::Null, &json!(2)));
        assert!(answer.cost().unwrap().requests <= 3, "{answer}");
        let answer = member.get(ALL_DATA).await;
        let data = answer.ok()["data"].clone();
        assert_eq!(
            (&data["userPosition"], answer.cost().unwrap().requests <= 3),
            (&position, true),
            "{data}"
        );
        assert_eq!(data["balance"], member.balance().await);
        assert_eq!(data["leaderboard"].as_array().unwrap().len(), 2);
        assert_eq!(data["cityRatings"].as_array().unwrap().len(), 2);
    }
    let foreign = first.get(&format!("{POSITION}?userId={}", second.uuid)).await;
    foreign.problem(403, "subject_mismatch");
}

#[tokio::test(flavor = "multi_thread")]
async fn a18_of_two_refreshes_at_once_one_may_be_refused() {
    let world = local!();
    lives_and_pays(&world, 1, "Казань", 1).await;
    world.idle().await;
    let refresh = || {
        let call = world.post("/api/admin/ratings/refresh", &json!({}));
        call.header("x-admin-secret", world.secret("ADMIN_SECRET")).send()
    };
    let (one, two) = tokio::join!(refresh(), refresh());
    let statuses = [one.status, two.status];
    assert!(statuses.contains(&200), "{one} {two}");
    for answer in [&one, &two] {
        assert!(answer.status == 200 || answer.status == 409, "{answer}");
    }
    assert_eq!(cities(&world).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a18_what_adds_up_is_not_drift() {
    let world = local!();
    for id in 1..=5 {
        lives_and_pays(&world, id, "Казань", 1).await;
    }
    world.idle().await;
    let call = world.post("/api/admin/jobs/ratings_reconcile", &json!({}));
    let run = call.header("x-admin-secret", world.secret("ADMIN_SECRET")).await.ok();
    assert_eq!(
        (&run["result"]["drift"], &run["result"]["members"]),
        (&json!(0), &json!(5)),
        "{run}"
    );
}

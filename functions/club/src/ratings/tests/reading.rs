//! What members and visitors see.

use http::StatusCode;

use super::*;

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

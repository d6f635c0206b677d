//! What the lists of teams and experience show, and where a member stands in all of them.

use http::StatusCode;

use super::*;
use crate::energies;

const POSITION: &str = "/api/v1/ratings/user-position";
const ALL: &str = "/api/v1/ratings/all-data";

async fn peopled(world: &World) -> Vec<Member> {
    for id in ["a", "b"] {
        found_team(world, id, true).await;
    }
    let member = |tg_id, balance, city: &str, team: &str, experience| Member {
        team_id: Some(team.to_owned()),
        experience,
        streak: experience / 50,
        ..paid(world, tg_id, balance, Some(city))
    };
    let members = vec![
        member(1, 10, "Омск", "a", 100),
        member(2, 15, "Омск", "a", 0),
        member(3, 40, "Тула", "b", 300),
        member(4, 0, "Тула", "b", 300),
    ];
    join(world, &members).await;
    members
}

#[tokio::test]
async fn teams_are_listed_by_their_average() {
    let world = World::new().await;
    peopled(&world).await;
    let instance = world.start(teams()).await;
    let path = "/api/v1/ratings/teams";
    let empty = world.send(&instance, Request::get(path)).await;
    let nothing = json!({ "success": true, "ratings": [], "generatedAt": null, "generation": 0 });
    assert_eq!((empty.cost.requests, empty.body), (1, nothing));
    world.tick(publish()).await.unwrap();
    let seen = world.send(&instance, Request::get(path)).await;
    let row = |rank: u8, id: &str, total: u8, mean: u8| {
        let name = format!("Десятка {id}");
        json!({
            "rank": rank, "teamId": id, "decadeId": id, "teamName": name, "decadeName": name,
            "city": "Омск", "number": 7, "totalEnergies": total, "memberCount": 2,
            "avgEnergies": mean,
        })
    };
    assert_eq!(seen.body["ratings"], json!([row(1, "b", 40, 20), row(2, "a", 25, 13)]));
    assert_eq!(seen.headers["cache-control"], "public, max-age=300");
    let one = world.send(&instance, Request::get("/api/v1/ratings/teams?limit=1")).await;
    assert_eq!((one.body["ratings"].as_array().unwrap().len(), one.cost.requests), (1, 1));
}

#[tokio::test]
async fn the_leaderboard_is_of_experience_and_costs_one_request() {
    let world = World::new().await;
    let members = peopled(&world).await;
    world.tick(publish()).await.unwrap();
    let token = world.token(&members[1]).await;
    let instance = world.start(leaderboard()).await;
    let path = "/api/v1/gamification/leaderboard";
    let seen = world.send(&instance, Request::get(path).token(&token)).await;
    let rows = seen.body["leaderboard"].as_array().unwrap();
    let brief: Vec<_> =
        rows.iter().map(|row| (row["rank"].as_u64(), row["experience"].as_u64())).collect();
    let expected = [(1, 300), (1, 300), (3, 100)].map(|(r, x)| (Some(r), Some(x)));
    assert_eq!((brief.as_slice(), seen.cost.requests), (expected.as_slice(), 1));
    let mut ids = [members[2].id.clone(), members[3].id.clone()];
    ids.sort();
    assert_eq!([&rows[0]["id"], &rows[1]["id"]], [&json!(ids[0]), &json!(ids[1])]);
    assert_eq!((&rows[0]["level"], &rows[0]["streak"]), (&json!(3), &json!(6)));
    assert!(rows.iter().all(|row| row.get("telegramId").is_none()));
    assert_eq!(seen.headers["cache-control"], "private, max-age=300");
    let etag = seen.headers["etag"].as_str().unwrap();
    // Experience changes the list with the next generation, not before.
    let more = Member { version: 2, experience: 900, ..members[1].clone() };
    join(&world, &[more]).await;
    let same = Request::get(path).token(&token).header("if-none-match", etag);
    let same = world.send(&instance, same).await;
    assert_eq!((same.status, same.cost.requests), (StatusCode::NOT_MODIFIED, 1));
    world.pass(Duration::from_secs(3_600));
    world.tick(publish()).await.unwrap();
    let next = Request::get(path).token(&token).header("if-none-match", etag);
    let next = world.send(&instance, next).await;
    assert_eq!(
        (next.status, &next.body["leaderboard"][0]["experience"]),
        (StatusCode::OK, &json!(900))
    );
}

#[tokio::test]
async fn a_member_has_a_place_in_every_rating() {
    let world = World::new().await;
    let members = peopled(&world).await;
    let token = world.token(&members[0]).await;
    let instance = world.start(user_position()).await;
    let ask = |query: &str| Request::get(&format!("{POSITION}{query}")).token(&token);
    let before = world.send(&instance, ask("")).await;
    let expected = json!({
        "globalRank": 0, "personalRank": 0, "cityRank": null, "teamRank": null, "city": "Омск",
        "teamId": "a", "decadeId": "a", "eligible": false, "energies": 10, "total": 0,
        "generatedAt": null,
    });
    assert_eq!((before.cost.requests, &before.body["position"]), (1, &expected));
    world.tick(publish()).await.unwrap();
    let seen = world.send(&instance, ask("?userId=1")).await;
    let expected = json!({
        "globalRank": 3, "personalRank": 3, "cityRank": 2, "teamRank": 2, "city": "Омск",
        "teamId": "a", "decadeId": "a", "eligible": true, "energies": 10, "total": 4,
        "generatedAt": world.now(),
    });
    assert_eq!((seen.cost.requests, &seen.body["position"]), (2, &expected));
    let etag = seen.headers["etag"].as_str().unwrap();
    let known = world.send(&instance, ask("?userId=1").header("if-none-match", etag)).await;
    assert_eq!((known.status, known.cost.requests), (StatusCode::NOT_MODIFIED, 1));
    let foreign = world.send(&instance, ask("?userId=2")).await;
    assert_eq!(
        (foreign.status, &foreign.body["code"]),
        (StatusCode::FORBIDDEN, &json!("subject_mismatch"))
    );
    // A city and a team that nobody of this generation is in have no place.
    let moved = Member {
        version: 2,
        city: Some("Чита".to_owned()),
        city_key: Some("чита".to_owned()),
        team_id: Some("z".to_owned()),
        balance: 41,
        ..members[0].clone()
    };
    world.put(&moved).await;
    let moved = world.send(&instance, ask("")).await.body["position"].clone();
    assert_eq!((&moved["cityRank"], &moved["teamRank"]), (&json!(null), &json!(null)));
    assert_eq!(moved["globalRank"], 1, "of now, among those of the generation");
    let unpaid = Member { version: 3, subscription_expires: None, ..members[0].clone() };
    world.put(&unpaid).await;
    let out = world.send(&instance, ask("")).await.body["position"].clone();
    assert_eq!((&out["globalRank"], &out["eligible"]), (&json!(0), &json!(false)));
    assert_eq!((&out["cityRank"], &out["total"]), (&json!(2), &json!(4)));
}

#[tokio::test]
async fn who_pays_after_a_generation_is_in_the_next_one() {
    let world = World::new().await;
    peopled(&world).await;
    let late = Member { subscription_expires: None, ..paid(&world, 5, 0, None) };
    join(&world, std::slice::from_ref(&late)).await;
    world.tick(publish()).await.unwrap();
    let token = world.token(&late).await;
    let place = async || {
        let seen = world.call(user_position(), Request::get(POSITION).token(&token)).await;
        let place = &seen.body["position"];
        (place["globalRank"].clone(), place["total"].clone(), place["eligible"].clone())
    };
    assert_eq!(place().await, (json!(0), json!(4), json!(false)));
    world.pass(Duration::from_secs(60));
    let pays = async |days: u32| {
        let (member, now) = (world.member_now(5).await, world.now());
        let until = crate::subscriptions::extended(member.subscription_expires, days, now);
        let change = crate::auth::change(&member, now);
        let change = crate::subscriptions::set_expiry(change, &member, until, now);
        world.table().write(change).await.unwrap();
        feed(&world, &[record(&world.member_now(5).await)]).await;
    };
    pays(30).await;
    assert_eq!(place().await, (json!(0), json!(4), json!(false)), "not the fifth of four");
    world.pass(Duration::from_secs(3_600));
    world.tick(publish()).await.unwrap();
    assert_eq!(place().await, (json!(4), json!(5), json!(true)));
    // Who pays on stays in the generation.
    world.pass(Duration::from_secs(60));
    pays(30).await;
    assert_eq!(place().await, (json!(4), json!(5), json!(true)));
}

#[tokio::test]
async fn everything_at_once_costs_three_requests() {
    let world = World::new().await;
    let members = peopled(&world).await;
    let token = world.token(&members[0]).await;
    let instance = world.start(all_data()).await;
    let ask = || Request::get(ALL).token(&token);
    let before = world.send(&instance, ask()).await;
    assert_eq!((before.status, before.cost.requests), (StatusCode::OK, 2));
    let data = &before.body["data"];
    assert_eq!((&data["leaderboard"], &data["generation"]), (&json!([]), &json!(0)));
    world.tick(publish()).await.unwrap();
    let seen = world.send(&instance, ask()).await;
    assert_eq!(seen.cost.requests, 3, "{:?}", seen.cost);
    let data = &seen.body["data"];
    let long = |name: &str| data[name].as_array().unwrap().len();
    assert_eq!([long("leaderboard"), long("cityRatings"), long("teamRatings")], [4, 2, 2]);
    assert_eq!((&data["balance"], &data["history"]), (&json!(10), &json!([])));
    let place = &data["userPosition"];
    assert_eq!(
        (&place["globalRank"], &place["cityRank"], &place["teamRank"]),
        (&json!(3), &json!(2), &json!(2))
    );
    assert_eq!(
        (&data["generatedAt"], &data["generation"]),
        (&json!(world.now()), &json!(world.now().seconds()))
    );
    let etag = seen.headers["etag"].as_str().unwrap().to_owned();
    let known = world.send(&instance, ask().header("if-none-match", &etag)).await;
    assert_eq!((known.status, known.cost.requests), (StatusCode::NOT_MODIFIED, 1));
    // An award is seen at once: balance, history and the rank among the published others.
    let award = energies::Award::daily_login(world.now());
    energies::award(world.table(), 1, &award, world.now()).await.unwrap();
    let richer = world.send(&instance, ask().header("if-none-match", &etag)).await;
    let data = &richer.body["data"];
    assert_eq!(
        (richer.status, &data["balance"], data["history"].as_array().unwrap().len()),
        (StatusCode::OK, &json!(20), 1)
    );
    assert_eq!((&data["userPosition"]["globalRank"], richer.cost.requests), (&json!(2), 3));
}

#[tokio::test]
async fn place_5000_is_exact() {
    let world = World::new().await;
    let members: Vec<Member> = (1..=6_000)
        .map(|n| {
            let city = format!(
                "Город {}",
                char::from_u32(0x430 + u32::try_from(n % 32).unwrap()).unwrap()
            );
            paid(&world, n, 2 * n, Some(&city))
        })
        .collect();
    // 6000 members have the scores 2, 4, … 12000: place 5000 is the score 2002.
    for some in members.chunks(25) {
        let writes = some.iter().map(|member| shared::table::Write::put("member", member));
        world.table().write_batch(writes.collect()).await.unwrap();
    }
    feed(&world, &members.iter().map(record).collect::<Vec<_>>()).await;
    world.tick(publish()).await.unwrap();
    let member = members.iter().find(|member| member.balance == 2_002).unwrap();
    let token = world.token(member).await;
    let reply = world.call(user_position(), Request::get(POSITION).token(&token)).await;
    assert_eq!((&reply.body["position"]["globalRank"], reply.cost.requests), (&json!(5_000), 2));
    // Between two others, above the lowest, below the highest.
    for (balance, rank) in [(2_001, 5_001), (12_001, 1), (12_000, 1), (0, 6_001)] {
        let now = Member { balance, version: member.version + 1, ..member.clone() };
        let shown = published(&world).await.unwrap().directory;
        let shown = shown::show(world.table(), shown, &now, &[], true).await.unwrap();
        assert_eq!(shown.own.rank, rank, "{balance}");
    }
}

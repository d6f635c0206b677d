//! What members see of teams.

use super::*;

async fn sees(club: &Club, tg_id: i64, function: Function<App>, path: &str) -> Reply {
    let request = club.by(tg_id, Request::get(path)).await;
    club.call(function, request).await
}

#[tokio::test]
async fn a_member_sees_the_own_team_and_its_link() {
    let club = Club::open().await;
    let team = club.team(10).await;
    club.paid(1).await;
    assert_eq!(sees(&club, 1, my(), "/api/teams/my").await.body["team"], Value::Null);
    let decade = club.by(1, Request::post("/api/v1/decades/my", json!({}))).await;
    assert_eq!(club.call(decade_my(), decade).await.body["decade"], Value::Null);
    club.puts(&team, 1, "leader").await;
    let mine = sees(&club, 1, my(), "/api/teams/my").await;
    let seen = &mine.body["team"];
    assert_eq!((&seen["id"], &seen["userRole"]), (&json!(team.id), &json!("leader")));
    assert_eq!(
        (&seen["inviteLink"], &seen["cityChat"]),
        (&json!("https://t.me/+team"), &Value::Null)
    );
    assert_eq!(seen["joinedAt"], json!(club.now()));
    let decade = club.by(1, Request::post("/api/v1/decades/my", json!({}))).await;
    let decade = club.call(decade_my(), decade).await.body["decade"].clone();
    assert_eq!((&decade["name"], &decade["isLeader"]), (&json!("Десятка №1 Москва"), &json!(true)));
    assert_eq!((&decade["currentMembers"], &decade["maxMembers"]), (&json!(1), &json!(10)));
    let other = sees(&club, 1, my(), "/api/teams/my?userId=2").await;
    assert_eq!(other.body["code"], "subject_mismatch");
}

#[tokio::test]
async fn an_own_team_is_known_until_something_of_it_changes() {
    let club = Club::open().await;
    let team = club.team(10).await;
    for tg_id in [1, 2] {
        club.paid(tg_id).await;
    }
    club.puts(&team, 1, "member").await;
    let instance = club.world.start(my()).await;
    let request = club.by(1, Request::get("/api/teams/my")).await;
    let outcome = async || {
        let reply = club.world.send(&instance, request.clone()).await;
        (
            reply.headers["x-cache"].as_str().unwrap().to_owned(),
            reply.body["team"]["memberCount"].clone(),
        )
    };
    assert_eq!(outcome().await, ("MISS".to_owned(), json!(1)));
    assert_eq!(outcome().await, ("HIT".to_owned(), json!(1)));
    club.puts(&team, 2, "member").await;
    assert_eq!(outcome().await, ("MISS".to_owned(), json!(2)));
}

#[tokio::test]
async fn strangers_see_a_team_without_its_link_and_members() {
    let club = Club::open().await;
    let team = club.team(10).await;
    for tg_id in [1, 2] {
        club.paid(tg_id).await;
    }
    club.puts(&team, 1, "member").await;
    let path = format!("/api/teams/{}", team.id);
    let members_path = format!("{path}/members");
    let own = sees(&club, 1, one(), &path).await;
    assert_eq!(own.body["members"].as_array().unwrap().len(), 1);
    assert_eq!(own.body["team"]["inviteLink"], "https://t.me/+team");
    let seen = sees(&club, 1, members(), &members_path).await;
    let member = &seen.body["members"][0];
    assert_eq!((&member["role"], &member["firstName"]), (&json!("member"), &json!("Участник 1")));
    assert_eq!(member["user"]["id"], member["userId"]);
    let strange = sees(&club, 2, one(), &path).await;
    assert!(strange.body.get("members").is_none(), "{strange:?}");
    assert!(strange.body["team"].get("inviteLink").is_none(), "{strange:?}");
    let refused = sees(&club, 2, members(), &members_path).await;
    assert_eq!((refused.status.as_u16(), &refused.body["code"]), (403, &json!("not_team_member")));
    for path in ["/api/teams/nothing".to_owned(), format!("/api/teams/{}", "x".repeat(2_000))] {
        let gone = sees(&club, 2, one(), &path).await;
        assert_eq!((gone.status.as_u16(), &gone.body["error"]), (404, &json!("Team not found")));
        let gone = sees(&club, 2, members(), &format!("{path}/members")).await;
        assert_eq!(gone.status, 404);
    }
}

#[tokio::test]
async fn members_see_the_chat_of_the_team_s_city() {
    let club = Club::open().await;
    let team = club.team(10).await;
    for tg_id in [1, 2] {
        club.paid(tg_id).await;
    }
    club.puts(&team, 1, "member").await;
    let instances = [club.world.start(my()).await, club.world.start(one()).await];
    let paths = ["/api/teams/my".to_owned(), format!("/api/teams/{}", team.id)];
    let see = async || {
        let mut seen = Vec::new();
        for (instance, path) in instances.iter().zip(&paths) {
            let request = club.by(1, Request::get(path)).await;
            let reply = club.world.send(instance, request).await;
            seen.push((reply.body["team"]["cityChat"].clone(), reply.cost.requests));
        }
        seen
    };
    assert_eq!(see().await, [(Value::Null, 2), (Value::Null, 3)]);
    for link in ["https://t.me/+one", "https://t.me/+two"] {
        let body = json!({ "city": CITY, "inviteLink": link });
        let request = Request::post(&format!("/api/admin/city-chats/{CHAT}"), body)
            .method(Method::PUT)
            .header("x-admin-secret", ADMIN);
        assert_eq!(club.call(crate::energies::set_city_chat(), request).await.status, 200);
        assert_eq!(see().await, [(json!(link), 2), (json!(link), 3)]);
    }
    // Whoever lives elsewhere by now, and who is not in the team.
    let moved = Member { city_key: Some("тверь".to_owned()), ..club.member(1).await };
    club.world.put(&moved).await;
    assert_eq!(see().await, [(json!("https://t.me/+two"), 3), (json!("https://t.me/+two"), 3)]);
    let strange = sees(&club, 2, one(), &paths[1]).await;
    assert_eq!(strange.body["team"]["cityChat"], Value::Null);
}

#[tokio::test]
async fn the_list_is_one_read_until_a_team_changes() {
    let club = Club::open().await;
    club.paid(1).await;
    for (city, metka) in [("Москва", "A"), ("Казань", "B"), ("Москва", "B")] {
        club.made(json!({ "city": city, "metka": metka, "maxMembers": 2 })).await;
    }
    let instance = club.world.start(list()).await;
    let see = async |query: &str| {
        let request = club.by(1, Request::get(&format!("/api/teams{query}"))).await;
        club.world.send(&instance, request).await
    };
    let first = see("").await;
    assert_eq!((&first.headers["x-cache"], first.cost.requests), (&json!("MISS"), 2));
    assert_eq!((&first.body["total"], &first.body["totalPages"]), (&json!(3), &json!(1)));
    assert_eq!(first.body["teams"][0]["city"], "Казань");
    assert!(first.body["teams"][0].get("inviteLink").is_none());
    let again = see("").await;
    assert_eq!((&again.headers["x-cache"], again.cost.requests), (&json!("HIT"), 1));
    let teams = club.all::<Team>().await;
    club.puts(&teams[0], 1, "member").await;
    assert_eq!(see("").await.headers["x-cache"], "MISS");
    assert_eq!(see("?metka=B").await.body["total"], 2);
    let city = see("?city=%D0%9C%D0%9E%D0%A1%D0%9A%D0%92%D0%90").await;
    assert_eq!(city.body["total"], 2);
    let page = see("?page=2&limit=2").await.body;
    assert_eq!((page["teams"].as_array().unwrap().len(), &page["page"]), (1, &json!(2)));
    for query in ["?page=0", "?page=x", "?limit=0"] {
        assert_eq!(see(query).await.body["code"], "validation_failed", "{query}");
    }
    let request = club.by(1, Request::get("/api/teams/stats")).await;
    let stats = club.call(stats(), request).await.body["stats"].clone();
    assert_eq!((&stats["totalTeams"], &stats["totalMembers"]), (&json!(3), &json!(1)));
    assert_eq!((&stats["byMetka"], &stats["fullTeams"]), (&json!({ "A": 1, "B": 2 }), &json!(0)));
    assert_eq!(stats["averageSize"].to_string(), "0.3");
}

#[tokio::test]
async fn a_list_that_lacks_something_is_not_kept() {
    let club = Club::open().await;
    club.paid(1).await;
    club.team(10).await;
    // The index has not heard of a change that the tag tells of.
    club.world.table().write(Tag::Teams.raise()).await.unwrap();
    let instance = club.world.start(list()).await;
    for _ in 0..2 {
        let request = club.by(1, Request::get("/api/teams")).await;
        let reply = club.world.send(&instance, request).await;
        assert_eq!((&reply.headers["x-cache"], &reply.body["total"]), (&json!("MISS"), &json!(1)));
    }
}

#[tokio::test]
async fn cities_are_those_with_a_place_as_profiles_name_them() {
    let club = Club::open().await;
    for tg_id in 1..=2 {
        club.paid(tg_id).await;
    }
    for city in ["Москва", "МОСКВА", "Казань"] {
        club.made(json!({ "city": city, "maxMembers": 2 })).await;
    }
    let kazan = club.made(json!({ "city": "Уфа", "maxMembers": 2 })).await;
    for tg_id in 1..=2 {
        club.puts(&kazan, tg_id, "member").await;
    }
    let request = club.by(1, Request::post("/api/v1/decades/cities", json!({}))).await;
    assert_eq!(club.call(cities(), request).await.body["cities"], json!(["Казань", "Москва"]));
}

#[tokio::test]
async fn who_may_create_is_told_or_told_why_not() {
    let club = Club::open().await;
    let member = club.paid(1).await;
    let ask = async || {
        let request = club.by(1, Request::post("/api/v1/decades/can-create", json!({}))).await;
        club.call(can_create(), request).await.body
    };
    let no = ask().await;
    assert_eq!(
        (&no["canCreate"], &no["userId"], &no["city"]),
        (&json!(false), &json!(member.id), &json!(CITY))
    );
    assert!(no["reason"].is_string());
    club.world.put(&Member { can_lead: true, ..club.member(1).await }).await;
    let yes = ask().await;
    assert_eq!((&yes["canCreate"], &yes["reason"]), (&json!(true), &Value::Null));
}

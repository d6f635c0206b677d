//! Members join teams of their city.

use shared::telegram::BotToken;
use shared::telegram::init_data::sign;

use super::*;

/// Launch data of a member, as Telegram signs it.
fn init_data(club: &Club, tg_id: i64) -> String {
    let user = json!({ "id": tg_id, "first_name": "Анна" }).to_string();
    let auth_date = club.now().seconds().to_string();
    let token = BotToken::parse("7000000001:local-club").unwrap();
    sign(&[("auth_date", &auth_date), ("user", &user)], &token)
}

#[tokio::test]
async fn who_joins_has_a_link_and_is_told_so_again() {
    let club = Club::open().await;
    let team = club.team(10).await;
    club.paid(1).await;
    let joined = club.joins(1).await;
    assert_eq!(joined["success"], true, "{joined}");
    assert_eq!(joined["inviteLink"], "https://t.me/+team");
    assert_eq!(joined["decadeName"], "Десятка №1 Москва");
    let again = club.joins(1).await;
    assert_eq!(again["success"], false);
    assert_eq!(again["error"], "already_in_decade");
    assert_eq!(again["message"], "Вы уже состоите в десятке");
    assert_eq!(again["inviteLink"], "https://t.me/+team");
    assert_eq!(again["currentDecade"], json!({ "city": CITY, "number": 1 }));
    assert_eq!(club.team_now(&team.id).await.member_count, 1);
    let member = club.member(1).await;
    assert_eq!((member.team_id, member.team_role), (Some(team.id), Some(TeamRole::Member)));
    assert!(!member.is_team_leader);
    club.check().await;
}

#[tokio::test]
async fn refusals_are_answers() {
    let club = Club::open().await;
    let error = async |tg_id| club.joins(tg_id).await["error"].as_str().unwrap().to_owned();
    club.world.member(1).await;
    assert_eq!(error(1).await, "Выберите город в профиле");
    let unpaid = Member { subscription_expires: Some(club.now()), ..club.plan(2, CITY) };
    club.world.put(&unpaid).await;
    assert_eq!(error(2).await, "Для вступления в десятку нужна активная подписка");
    club.paid(3).await;
    assert_eq!(error(3).await, "В городе Москва нет доступных десяток");
    club.world.put(&Member { id: "gone".to_owned(), ..club.plan(4, CITY) }).await;
    let token = club.world.token(&club.member(4).await).await;
    club.world.table().write(shared::table::Write::delete("test", member_key(4))).await.unwrap();
    let request = Request::post("/api/v1/decades/join", json!({})).token(&token);
    let reply = club.call(decade_join(), request).await;
    assert_eq!(
        (reply.status.as_u16(), &reply.body["error"]),
        (200, &json!("Пользователь не найден"))
    );
    club.check().await;
}

#[tokio::test]
async fn the_first_team_with_a_place_is_taken_and_no_other_city() {
    let club = Club::open().await;
    let first = club.team(2).await;
    let second = club.team(2).await;
    club.made(json!({ "city": "Казань" })).await;
    for tg_id in 1..=4 {
        club.paid(tg_id).await;
        assert_eq!(club.joins(tg_id).await["success"], true);
    }
    club.paid(5).await;
    let full = club.joins(5).await;
    assert!(full["error"].as_str().unwrap().contains("нет доступных десяток"), "{full}");
    for (tg_id, team) in [(1, &first), (2, &first), (3, &second), (4, &second)] {
        assert_eq!(club.member(tg_id).await.team_id.as_ref(), Some(&team.id));
    }
    assert_eq!(club.leaves(1).await.status, 200);
    assert_eq!(club.joins(5).await["decadeName"], "Десятка №1 Москва");
    club.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_thirty_who_come_for_one_place_one_has_it() {
    let club = Club::open().await;
    let team = club.team(2).await;
    club.paid(100).await;
    club.joins(100).await;
    let instance = club.world.start(decade_join()).await;
    let mut requests = Vec::new();
    for tg_id in 1..=30 {
        club.paid(tg_id).await;
        requests.push(club.by(tg_id, Request::post("/api/v1/decades/join", json!({}))).await);
    }
    let replies = club.world.send_all(&instance, requests).await;
    let joined = replies.iter().filter(|reply| reply.body["success"] == true).count();
    assert_eq!(joined, 1);
    for reply in &replies {
        let told = reply.status == 200 && reply.body["error"].is_string();
        assert!(reply.body["success"] == true || told, "{reply:?}");
    }
    assert_eq!(club.team_now(&team.id).await.member_count, 2);
    club.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_thirty_who_come_for_thirty_places_all_have_one() {
    let club = Club::open().await;
    for _ in 0..3 {
        club.team(10).await;
    }
    let instance = club.world.start(decade_join()).await;
    let mut requests = Vec::new();
    for tg_id in 1..=30 {
        club.paid(tg_id).await;
        requests.push(club.by(tg_id, Request::post("/api/v1/decades/join", json!({}))).await);
    }
    for reply in club.world.send_all(&instance, requests.clone()).await {
        let outrun = reply.body["code"] == "join_failed" || reply.status == 503;
        assert!(reply.body["success"] == true || outrun, "{reply:?}");
    }
    club.check().await;
    // Who was outrun may come again.
    for request in requests {
        club.world.send(&instance, request).await;
    }
    for team in club.all::<Team>().await {
        assert_eq!(team.member_count, 10);
    }
    club.check().await;
}

#[tokio::test]
async fn joining_costs_a_read_a_query_and_four_items() {
    let club = Club::open().await;
    club.team(10).await;
    club.paid(1).await;
    let request = club.by(1, Request::post("/api/v1/decades/join", json!({}))).await;
    let reply = club.call(decade_join(), request).await;
    assert_eq!((reply.cost.requests, reply.cost.items), (3, 4));
}

#[tokio::test]
async fn launch_data_in_the_body_signs_in_where_no_header_does() {
    let club = Club::open().await;
    club.team(10).await;
    club.paid(1).await;
    club.paid(2).await;
    let raw = |tg_id: i64| init_data(&club, tg_id);
    let path = "/api/v1/decades/join";
    let reply = club.call(decade_join(), Request::post(path, json!({ "initData": raw(1) }))).await;
    assert_eq!((reply.status.as_u16(), &reply.body["success"]), (200, &json!(true)));
    // The header wins, and somebody else's launch data beside it is refused.
    let other = club.by(2, Request::post(path, json!({ "initData": raw(1) }))).await;
    let reply = club.call(decade_join(), other).await;
    assert_eq!((reply.status.as_u16(), &reply.body["code"]), (403, &json!("subject_mismatch")));
    assert_eq!(club.member(2).await.team_id, None);
    // What is no good beside a good header is ignored; by itself it is refused.
    let own = club.by(2, Request::post(path, json!({ "initData": "hash=00" }))).await;
    assert_eq!(club.call(decade_join(), own).await.body["success"], true);
    let reply =
        club.call(decade_join(), Request::post(path, json!({ "initData": "hash=00" }))).await;
    assert_eq!((reply.status.as_u16(), &reply.body["code"]), (401, &json!("invalid_init_data")));
    assert_eq!(reply.body["error"], "Invalid Telegram data");
    let reply = club.call(decade_join(), Request::post(path, json!({}))).await;
    assert_eq!((reply.status.as_u16(), &reply.body["code"]), (401, &json!("unauthorized")));
    club.check().await;
}

//! What administrators do with teams and places in them.

use super::*;
use crate::energies::{self, Award};

#[tokio::test]
async fn a_team_is_made_once_for_one_key() {
    let club = Club::open().await;
    let leader = club.paid(1).await;
    let body = json!({
        "city": " москва ", "leaderUserId": 1, "tgChatId": CHAT.to_string(),
        "inviteLink": "https://t.me/+a", "name": "Первая", "metka": "A", "maxMembers": 3,
    });
    let request = Request::post("/api/teams", body.clone())
        .header("x-admin-secret", ADMIN)
        .header("idempotency-key", "one");
    let first = club.call(create(), request.clone()).await;
    assert_eq!(first.status, 200, "{first:?}");
    let team = &first.body["team"];
    for (name, value) in [
        ("name", json!("Первая")),
        ("number", json!(1)),
        ("metka", json!("A")),
        ("memberCount", json!(1)),
        ("currentMembers", json!(1)),
        ("maxMembers", json!(3)),
        ("ambassadorCount", json!(0)),
        ("leaderId", json!(leader.id)),
        ("isActive", json!(true)),
        ("isFull", json!(false)),
        ("inviteLink", json!("https://t.me/+a")),
    ] {
        assert_eq!(team[name], value, "{name}");
    }
    let again = club.call(create(), request).await;
    assert_eq!((again.body, &again.headers["idempotency-replayed"]), (first.body, &json!("true")));
    assert_eq!(club.all::<Team>().await.len(), 1);
    assert!(club.member(1).await.is_team_leader);
    let refused = async |body| club.office(create(), "/api/teams", body).await.body["code"].clone();
    assert_eq!(refused(json!({ "city": "Казань", "tgChatId": CHAT })).await, "chat_taken");
    assert_eq!(refused(json!({ "city": CITY, "leaderUserId": 1 })).await, "leader_busy");
    assert_eq!(refused(json!({ "city": CITY, "leaderUserId": 9 })).await, "not_found");
    for body in [
        json!({}),
        json!({ "city": "Город 17" }),
        json!({ "city": CITY, "maxMembers": 1 }),
        json!({ "city": CITY, "maxMembers": 51 }),
        json!({ "city": CITY, "tgChatId": 7 }),
        json!({ "city": CITY, "inviteLink": "javascript:alert(1)" }),
        json!({ "city": CITY, "leaderUserId": [] }),
    ] {
        assert_eq!(refused(body.clone()).await, "validation_failed", "{body}");
    }
    assert_eq!(club.all::<Team>().await.len(), 1);
    club.check().await;
}

#[tokio::test]
async fn places_are_given_and_closed_once() {
    let club = Club::open().await;
    let (team, other) = (club.team(2).await, club.team(2).await);
    for tg_id in 1..=4 {
        club.paid(tg_id).await;
    }
    let code = |reply: &Reply| (reply.status.as_u16(), reply.body["code"].clone());
    assert_eq!(club.puts(&team, 1, "member").await.body["team"]["memberCount"], 1);
    assert_eq!(club.puts(&team, 1, "member").await.body["team"]["memberCount"], 1);
    assert_eq!(code(&club.puts(&other, 1, "member").await), (409, json!("already_in_team")));
    assert_eq!(club.puts(&team, 2, "leader").await.body["team"]["isFull"], true);
    assert_eq!(code(&club.puts(&other, 2, "leader").await), (409, json!("leader_busy")));
    assert_eq!(code(&club.puts(&team, 3, "member").await), (409, json!("team_full")));
    assert_eq!(code(&club.puts(&team, 3, "leader").await), (409, json!("leader_busy")));
    // Ambassadors are beyond the number of places.
    let ambassador = club.puts(&team, 3, "ambassador").await;
    let counts =
        (&ambassador.body["team"]["memberCount"], &ambassador.body["team"]["ambassadorCount"]);
    assert_eq!(counts, (&json!(2), &json!(1)));
    assert_eq!(code(&club.puts(&team, 9, "member").await), (404, json!("not_found")));
    let nowhere = Team { id: "nowhere".to_owned(), ..team.clone() };
    let gone = club.puts(&nowhere, 4, "member").await;
    assert_eq!(
        (code(&gone), &gone.body["error"]),
        ((404, json!("not_found")), &json!("Team not found"))
    );
    club.check().await;
    assert_eq!(club.leaves(3).await.body["team"]["ambassadorCount"], 0);
    assert_eq!(club.leaves(2).await.body["team"]["leaderId"], Value::Null);
    assert_eq!(code(&club.leaves(2).await), (409, json!("not_in_team")));
    assert_eq!(code(&club.leaves(9).await), (404, json!("not_found")));
    let left = club.member(2).await;
    assert_eq!((left.is_team_leader, left.team_id, left.last_team), (false, None, None));
    club.check().await;
}

#[tokio::test]
async fn a_new_leader_is_doubled_and_the_old_one_no_more() {
    let club = Club::open().await;
    let team = club.team(3).await;
    for (tg_id, role) in [(1, "leader"), (2, "member"), (3, "ambassador")] {
        club.paid(tg_id).await;
        assert_eq!(club.puts(&team, tg_id, role).await.status, 200);
    }
    club.paid(4).await;
    let earns = async |tg_id, video: &str| {
        let award = Award::video(video, "t");
        energies::award(club.world.table(), tg_id, &award, club.now()).await.unwrap().amount
    };
    assert_eq!((earns(1, "a").await, earns(2, "a").await), (40, 20));
    let replaced = club.leads(&team, 2).await;
    assert_eq!(replaced.body["team"]["leaderId"], club.member(2).await.id);
    assert_eq!((earns(1, "b").await, earns(2, "b").await), (20, 40));
    // Once more changes nothing.
    let version = club.team_now(&team.id).await.version;
    assert_eq!(club.leads(&team, 2).await.status, 200);
    assert_eq!(club.team_now(&team.id).await.version, version);
    assert_eq!(club.leads(&team, 4).await.body["code"], "not_in_team");
    // An ambassador takes a place among the others.
    assert_eq!(club.leads(&team, 3).await.status, 200);
    let team = club.team_now(&team.id).await;
    assert_eq!((team.member_count, team.ambassador_count), (3, 0));
    club.check().await;
}

#[tokio::test]
async fn an_ambassador_of_a_full_team_cannot_lead_it() {
    let club = Club::open().await;
    let team = club.team(2).await;
    for (tg_id, role) in [(1, "member"), (2, "member"), (3, "ambassador")] {
        club.paid(tg_id).await;
        club.puts(&team, tg_id, role).await;
    }
    assert_eq!(club.leads(&team, 3).await.body["code"], "team_full");
    club.check().await;
}

#[tokio::test]
async fn somebody_is_allowed_to_lead() {
    let club = Club::open().await;
    club.world.member(1).await;
    let set = async |tg_id: &str, can: bool| {
        let path = format!("/api/admin/leaders/{tg_id}");
        let request = Request::post(&path, json!({ "canLead": can })).method(Method::PUT);
        club.call(allow(), request.header("x-admin-secret", ADMIN)).await.status.as_u16()
    };
    assert_eq!(set("1", true).await, 200);
    assert!(club.member(1).await.can_lead);
    assert_eq!(set("1", false).await, 200);
    assert!(!club.member(1).await.can_lead);
    assert_eq!((set("2", true).await, set("x", true).await), (404, 404));
}

#[tokio::test]
async fn nobody_else_may() {
    let club = Club::open().await;
    let request = |body| Request::post("/api/teams", body).header("x-admin-secret", "guess");
    let reply = club.call(create(), request(json!({ "city": CITY }))).await;
    assert_eq!((reply.status.as_u16(), &reply.body["code"]), (403, &json!("admin_required")));
    assert_eq!(club.all::<Team>().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn first_teams_of_a_new_city_at_once_are_all_made() {
    let club = Club::open().await;
    let instance = club.world.start(create()).await;
    let letters = ["А", "Б", "В", "Г", "Д", "Е", "Ж", "З"];
    for letter in letters {
        let wish = || {
            let body = json!({ "city": format!("Город {letter}") });
            Request::post("/api/teams", body).header("x-admin-secret", ADMIN)
        };
        let replies = club.world.send_all(&instance, (0..3).map(|_| wish())).await;
        let statuses: Vec<_> = replies.iter().map(|reply| reply.status.as_u16()).collect();
        assert_eq!(statuses, [200; 3], "{letter}");
    }
    assert_eq!(club.all::<Team>().await.len(), 3 * letters.len());
    assert_eq!(club.world.items("City").await.len(), letters.len());
    club.check().await;
}

//! All that there is to know of a member.

use super::*;
use crate::gifts;

fn path(id: &str) -> String {
    format!("/api/admin/user/{id}")
}

#[tokio::test]
async fn a_members_file_tells_all_but_secrets() {
    let office = Office::open().await;
    let first = office.paid().await;
    office.pass(60);
    let open = office.linked("monthly_rub_2000").await;
    office.pass(60);
    let gift = office.linked("gift_rub_2000").await;
    office.told(json!({ "attempt_id": gift, "event": "success" })).await;
    let attempt = first.trim_start_matches("sandbox:sbx_").to_owned();
    let half = json!({ "attempt_id": attempt, "event": "refund", "amount": "1000.00" });
    office.told(half).await;

    let reply = office.get(person(), &path(&ANNA.to_string())).await;
    assert_eq!((reply.status.as_u16(), reply.cost.requests), (200, 5), "{}", reply.body);
    let file = &reply.body;
    assert_eq!((&file["user"]["telegramId"], &file["team"]), (&json!(ANNA), &Value::Null));
    let ids = |list: &str, field: &str| {
        let rows = file[list].as_array().unwrap().iter();
        rows.map(|row| row[field].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids("attempts", "id"), [gift.clone(), open, attempt]);
    assert_eq!(ids("attempts", "status"), ["paid", "pending", "paid"]);
    assert_eq!(ids("payments", "id"), [format!("sandbox:sbx_{gift}"), first]);
    assert_eq!(ids("payments", "status"), ["completed", "partially_refunded"]);
    assert_eq!(file["payments"][1]["refunded"], "1000.00");
    assert_eq!(
        (ids("gifts", "status"), ids("entries", "kind")),
        (vec!["paid".to_owned()], vec!["refund".to_owned(), "payment".to_owned()])
    );
    let (_, given) = gifts::given(office.world.table(), ANNA).await.unwrap();
    assert!(!reply.body.to_string().contains(&given[0].token), "a gift's token is a secret");
}

#[tokio::test]
async fn a_stranger_is_not_found() {
    let office = Office::open().await;
    for id in ["5", "anna", "-1", "0", "99999999999999999999", "%20"] {
        let reply = office.get(person(), &path(id)).await;
        assert_eq!(code(&reply), (404, "not_found".to_owned()), "{id}");
    }
    let reply = office.get(person(), &path(&ANNA.to_string())).await;
    assert_eq!(reply.body["payments"], json!([]));
    assert_eq!(reply.cost.requests, 4);
}

#[tokio::test]
async fn no_more_than_fifty_of_anything_is_shown() {
    let office = Office::open().await;
    for _ in 0..52 {
        let attempt = office.linked("monthly_rub_2000").await;
        office.told(json!({ "attempt_id": attempt, "event": "success" })).await;
        office.pass(1);
    }
    let reply = office.get(person(), &path(&ANNA.to_string())).await;
    for list in ["payments", "attempts", "entries"] {
        assert_eq!(reply.body[list].as_array().unwrap().len(), 50, "{list}");
    }
    assert_eq!(reply.cost.requests, 5);
}

#[tokio::test]
async fn a_file_tells_the_members_team() {
    let office = Office::open().await;
    let body = json!({ "city": "Москва", "leaderUserId": ANNA, "name": "Первая" });
    let made = office.post(crate::teams::create(), "/api/teams", body).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let reply = office.get(person(), &path(&ANNA.to_string())).await;
    assert_eq!((reply.body["team"]["name"].as_str(), reply.cost.requests), (Some("Первая"), 5));
    assert_eq!(reply.body["team"], made.body["team"]);
}

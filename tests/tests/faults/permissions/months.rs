//! What jobs do over weeks: subscriptions end, places in teams are closed, given back and missed,
//! ratings drift, and those who run the club are told when something is wrong.

use axum::Json;
use axum::Router;
use axum::routing::any;
use serde_json::{Value, json};

use super::scene::{BORIS, CHAT, CITY, FOR_LONG, VERA, counting};
use crate::bench::Bench;
use crate::walks::ANNA;

const GLEB: i64 = 45;
const DARYA: i64 = 46;
const DMITRY: i64 = 47;
const MONTH: u32 = 30;
const DAY: u64 = 86_400;

/// A month and some days of a club with one team.
pub async fn walk() -> Bench {
    let bench = counting(|options| options).await;
    for (id, days) in
        [(ANNA, FOR_LONG), (BORIS, MONTH), (VERA, FOR_LONG), (GLEB, FOR_LONG), (DARYA, FOR_LONG)]
    {
        bench.joins_the_club(id, days).await;
        bench.learns(id, 10).await;
    }
    let team = bench.founds(&json!({ "city": CITY, "leaderUserId": ANNA, "maxMembers": 3 })).await;
    for id in [BORIS, GLEB] {
        let place = json!({ "userId": id });
        bench.office("POST", &format!("/api/teams/{team}/join"), &place).await;
    }
    bench.advance(1_200).await;
    bench.joins_the_club(DMITRY, MONTH).await;
    bench.learns(DMITRY, 10).await;
    // Between the ends of the two subscriptions the ratings are published by the clock, after both
    // by hand.
    bench.pass(u64::from(MONTH) * DAY - 600).await;
    bench.advance(900).await;
    bench.office("POST", "/api/admin/ratings/refresh", &json!({})).await;
    bench.pass(3 * DAY).await;
    finds_no_place(&bench, &team).await;
    drifts(&bench).await;
    bench
}

/// Boris pays again when others have all places of the team.
async fn finds_no_place(bench: &Bench, team: &str) {
    for id in [VERA, DARYA] {
        let place = json!({ "userId": id });
        bench.office("POST", &format!("/api/teams/{team}/join"), &place).await;
    }
    let attempt = bench.link(BORIS).await;
    assert_eq!(bench.deliver(&attempt).await.status, 200);
    bench.advance(5).await;
}

/// A standing that is nobody's, and a message that nobody could deliver.
async fn drifts(bench: &Bench) {
    let stale = |image: &mut Value| {
        let at = image["sk"]["S"].as_str().expect("a key");
        image["sk"] = json!({ "S": format!("{at}0") });
    };
    bench.tampers("XpStanding", stale).await;
    let queues = bench.stack.engine().queues();
    queues.send("test-club-outbox-dead", "{}", None).expect("the queue of dead messages");
    bench.pass(DAY).await;
}

/// A club whose bot is told that nobody is in the chat of the team any more.
pub async fn they_have_left() -> Bench {
    let gone = json!({ "ok": true, "result": {
        "user": { "id": BORIS, "is_bot": false, "first_name": "Борис" }, "status": "left",
    } });
    let answers = Router::new().fallback(any(move || async move { Json(gone) }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, answers).await });
    let bench = counting(|options| options.set("TELEGRAM_API_URL", &url)).await;
    for id in [ANNA, BORIS] {
        bench.joins_the_club(id, FOR_LONG).await;
    }
    let wish = json!({ "city": CITY, "tgChatId": CHAT, "leaderUserId": ANNA });
    let team = bench.founds(&wish).await;
    let place = json!({ "userId": BORIS });
    bench.office("POST", &format!("/api/teams/{team}/join"), &place).await;
    bench.pass(5 * DAY).await;
    bench
}

//! The guarantees of the community, each dropped on purpose: see the club's.
//!
//! Most writes are guarded twice, by the version of the member and by a condition of their own: a
//! guarantee is dropped with both. And each entry that a transaction must not lose is lost.

mod lost;

use std::sync::Arc;

use serde_json::{Value, json};

use super::messages;
use super::walks::post;
use crate::bench::{Bench, Reply};
use crate::invariants::violations;
use crate::permissions::scene::{BORIS, CHAT, CITY, FOR_LONG, VERA};
use crate::sabotage::stage::{Guarantee, Made, Spot, clear, meet};
use crate::sabotage::{Scene, all_are_missed};
use crate::walks::ANNA;

const TRANSACTION: &str = "TransactWriteItems";

/// Those that two have to meet for.
const MEETINGS: [(&str, Scene); 16] = [
    ("an award has its place", |g| Box::pin(an_award_has_its_place(g))),
    ("an award is given once", |g| Box::pin(an_award_is_given_once(g))),
    ("a spending is covered", |g| Box::pin(a_spending_is_covered(g))),
    ("a stock has an end", |g| Box::pin(a_stock_has_an_end(g))),
    ("a purchase is within the limit", |g| Box::pin(a_purchase_is_within_the_limit(g))),
    ("a ticket is one purchase's", |g| Box::pin(a_ticket_is_one_purchases(g))),
    ("a raffle is drawn once", |g| Box::pin(a_raffle_is_drawn_once(g))),
    ("a team has so many places", |g| Box::pin(a_team_has_so_many_places(g))),
    ("a member has one place", |g| Box::pin(a_member_has_one_place(g))),
    ("a team has one leader", |g| Box::pin(a_team_has_one_leader(g))),
    ("a place is left once", |g| Box::pin(a_place_is_left_once(g))),
    ("a number is one team's", |g| Box::pin(a_number_is_one_teams(g))),
    ("a week has one report", |g| Box::pin(a_week_has_one_report(g))),
    ("a report is taken back once", |g| Box::pin(a_report_is_taken_back_once(g))),
    ("a video is watched once", |g| Box::pin(a_video_is_watched_once(g))),
    ("a stream is attended once", |g| Box::pin(a_stream_is_attended_once(g))),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_guarantee_that_is_dropped_is_missed() {
    all_are_missed("sabotage, community", &MEETINGS).await;
}

fn anybody(about: &'static str) -> Spot {
    Spot { function: None, operation: TRANSACTION, about }
}

/// A club with three paid members who have a thousand energies each.
async fn club() -> Arc<Bench> {
    let bench = Bench::start_with(|options| options.set("RATE_ADMIN", "1000000/1")).await;
    for id in [ANNA, BORIS, VERA] {
        bench.joins_the_club(id, FOR_LONG).await;
        let award = json!({ "userId": id, "amount": 1000, "reason": "За помощь" });
        bench.office("POST", "/api/v1/energies/award", &award).await;
    }
    Arc::new(bench)
}

/// Who asks for what.
#[derive(Clone)]
enum By {
    Member(i64),
    Office,
}

#[derive(Clone)]
struct Call {
    by: By,
    method: &'static str,
    path: String,
    body: Value,
    key: &'static str,
}

impl Call {
    fn member(id: i64, path: &str, body: Value) -> Self {
        Self { by: By::Member(id), method: "POST", path: path.to_owned(), body, key: "" }
    }

    fn office(path: &str, body: Value) -> Self {
        Self { by: By::Office, ..Self::member(0, path, body) }
    }

    fn deleting(id: i64, path: &str) -> Self {
        Self { method: "DELETE", ..Self::member(id, path, Value::Null) }
    }

    fn under(self, key: &'static str) -> Self {
        Self { key, ..self }
    }
}

/// Both at the same instant, each on a thread of its own, and then nobody meets any more.
async fn both(bench: &Arc<Bench>, calls: [Call; 2]) -> Vec<Reply> {
    let running = calls.map(|call| {
        let bench = bench.clone();
        tokio::spawn(async move {
            let credential = match call.by {
                By::Member(id) => ("authorization", bench.launch(id)),
                By::Office => ("x-admin-secret", bench.secret("ADMIN_SECRET")),
            };
            let mut headers = vec![(credential.0, credential.1.as_str())];
            if !call.key.is_empty() {
                headers.push(("idempotency-key", call.key));
            }
            bench.outwait(call.method, &call.path, &headers, &call.body).await
        })
    });
    let mut replies = Vec::new();
    for call in running {
        replies.push(call.await.unwrap());
    }
    clear(bench);
    replies
}

/// Two meet at a transaction that is about this, without conditions on these.
async fn met(
    bench: &Arc<Bench>,
    guarantee: Guarantee,
    (function, about): (&'static str, &'static str),
    conditions: &'static [&'static str],
    calls: [Call; 2],
) -> Vec<String> {
    let spot = Spot { function: Some(function), ..anybody(about) };
    meet(bench, guarantee, Made::ByConditions(conditions), spot, 2);
    both(bench, calls).await;
    violations(bench).await
}

/// Two messages at once for the one place of a day.
async fn an_award_has_its_place(guarantee: Guarantee) -> Vec<String> {
    let bench = club().await;
    bench.office("PUT", &format!("/api/admin/city-chats/{CHAT}"), &json!({ "city": CITY })).await;
    let spot = Spot { function: Some("club-bot-update"), ..anybody("SLOT#") };
    meet(&bench, guarantee, Made::ByConditions(&["MEMBER#"]), spot, 2);
    let heard = [21, 22].map(|update_id| {
        let update = post(update_id, CHAT, ANNA, "#челлендж").to_string();
        let event = json!({ "Records": [{
            "messageId": format!("m{update_id}"), "receiptHandle": "r", "body": update,
            "attributes": { "ApproximateReceiveCount": "1" }, "messageAttributes": {},
            "eventSource": "aws:sqs", "awsRegion": "us-east-1", "md5OfBody": "",
            "eventSourceARN": "arn:aws:sqs:us-east-1:0:telegram-updates",
        }] });
        let bench = bench.clone();
        tokio::spawn(async move { bench.stack.invoke("club-bot-update", &event).await })
    });
    for one in heard {
        one.await.unwrap().expect("the update is taken");
    }
    clear(&bench);
    bench.advance(60).await;
    let mut wrong = violations(&bench).await;
    wrong.extend(messages::unlike(&bench).await);
    wrong
}

/// A visit is told of twice at once.
async fn an_award_is_given_once(guarantee: Guarantee) -> Vec<String> {
    let visit = Call::office("/api/v1/energies/triggers/daily-login", json!({ "userId": ANNA }));
    let at = ("club-energies-daily-login", "ENTRY#");
    met(&club().await, guarantee, at, &["MEMBER#"], [visit.clone(), visit]).await
}

/// Energies for one are spent twice at once.
async fn a_spending_is_covered(guarantee: Guarantee) -> Vec<String> {
    let body = json!({ "userId": ANNA, "amount": 700, "reason": "x" });
    let spend = Call::office("/api/v1/energies/spend", body);
    let at = ("club-energies-spend", "ENTRY#");
    met(&club().await, guarantee, at, &["MEMBER#"], [spend.clone(), spend]).await
}

fn ware(kind: &str) -> Value {
    json!({ "title": "Тайна", "price": 10, "category": "secret", "itemType": kind })
}

/// Puts an item on sale; a purchase of it.
async fn on_sale(bench: &Bench, item: &Value) -> impl Fn(i64, &'static str) -> Call + use<> {
    bench.office("PUT", "/api/admin/content/shop-item/one", item).await;
    let wish = json!({ "itemId": "one" });
    move |id, key| Call::member(id, "/api/v1/shop/purchase", wish.clone()).under(key)
}

const PURCHASE: (&str, &str) = ("club-shop-purchase", "PURCHASE#");

/// Two buy the last one at once.
async fn a_stock_has_an_end(guarantee: Guarantee) -> Vec<String> {
    let bench = club().await;
    let mut item = ware("gift");
    item["stock"] = json!(1);
    let buys = on_sale(&bench, &item).await;
    met(&bench, guarantee, PURCHASE, &["SHOP"], [buys(ANNA, "a"), buys(BORIS, "b")]).await
}

/// One buys twice at once what may be had once.
async fn a_purchase_is_within_the_limit(guarantee: Guarantee) -> Vec<String> {
    let bench = club().await;
    let mut item = ware("gift");
    item["perUserLimit"] = json!(1);
    let buys = on_sale(&bench, &item).await;
    met(&bench, guarantee, PURCHASE, &["MEMBER#"], [buys(ANNA, "a"), buys(ANNA, "b")]).await
}

/// Two buy the next ticket at once.
async fn a_ticket_is_one_purchases(guarantee: Guarantee) -> Vec<String> {
    let bench = club().await;
    let buys = on_sale(&bench, &ware("raffle_ticket")).await;
    let of = &["SHOP", "RAFFLE#"];
    met(&bench, guarantee, PURCHASE, of, [buys(ANNA, "a"), buys(BORIS, "b")]).await
}

/// Two draw at once: both have to see the same winners.
async fn a_raffle_is_drawn_once(guarantee: Guarantee) -> Vec<String> {
    let bench = club().await;
    let buys = on_sale(&bench, &ware("raffle_ticket")).await;
    for (id, key) in [(ANNA, "a"), (BORIS, "b"), (VERA, "c")] {
        let calls = [buys(id, key), buys(id, key)];
        both(&bench, calls).await;
    }
    let spot = Spot { function: Some("club-shop-draw"), ..anybody("DRAW") };
    meet(&bench, guarantee, Made::ByConditions(&["SHOP", "RAFFLE#"]), spot, 2);
    let draw = Call::office("/api/admin/shop/items/one/draw", json!({ "winners": 3 }));
    let replies = both(&bench, [draw.clone(), draw]).await;
    let mut wrong = violations(&bench).await;
    let seeds = [&replies[0], &replies[1]].map(|reply| reply.body["draw"]["seed"].clone());
    wrong.extend((seeds[0] != seeds[1]).then(|| format!("drawn twice: {seeds:?}")));
    wrong
}

fn placed(team: &str, id: i64) -> Call {
    Call::office(&format!("/api/teams/{team}/join"), json!({ "userId": id }))
}

/// Two join at once where there is one place.
async fn a_team_has_so_many_places(guarantee: Guarantee) -> Vec<String> {
    let bench = club().await;
    let wish = json!({ "city": CITY, "leaderUserId": VERA, "maxMembers": 2 });
    let team = bench.founds(&wish).await;
    let calls = [placed(&team, ANNA), placed(&team, BORIS)];
    met(&bench, guarantee, ("club-teams-join", "TEAM#"), &["TEAM#"], calls).await
}

/// One joins two teams at once.
async fn a_member_has_one_place(guarantee: Guarantee) -> Vec<String> {
    let bench = club().await;
    let mut calls = Vec::new();
    for _ in 0..2 {
        calls.push(placed(&bench.founds(&json!({ "city": CITY })).await, ANNA));
    }
    let calls = [calls[0].clone(), calls[1].clone()];
    met(&bench, guarantee, ("club-teams-join", "TEAM#"), &["MEMBER#"], calls).await
}

/// Two are made its leader at once.
async fn a_team_has_one_leader(guarantee: Guarantee) -> Vec<String> {
    let bench = club().await;
    let team = bench.founds(&json!({ "city": CITY, "leaderUserId": VERA })).await;
    for id in [ANNA, BORIS] {
        both(&bench, [placed(&team, id), placed(&team, id)]).await;
    }
    let path = format!("/api/teams/{team}/replace-leader");
    let calls = [ANNA, BORIS].map(|id| Call::office(&path, json!({ "userId": id })));
    let of = &["TEAM#", "MEMBER#"];
    met(&bench, guarantee, ("club-teams-replace-leader", "TEAM#"), of, calls).await
}

/// One is taken out of a team twice at once.
async fn a_place_is_left_once(guarantee: Guarantee) -> Vec<String> {
    let bench = club().await;
    let team = bench.founds(&json!({ "city": CITY, "leaderUserId": VERA })).await;
    for id in [ANNA, BORIS] {
        both(&bench, [placed(&team, id), placed(&team, id)]).await;
    }
    let leave = Call::office("/api/teams/leave", json!({ "userId": ANNA }));
    let of = &["TEAM#", "MEMBER#"];
    met(&bench, guarantee, ("club-teams-leave", "TEAM#"), of, [leave.clone(), leave]).await
}

/// Two teams are founded in a city at once.
async fn a_number_is_one_teams(guarantee: Guarantee) -> Vec<String> {
    let bench = club().await;
    let found = |key| Call::office("/api/teams", json!({ "city": CITY })).under(key);
    let at = ("club-teams-create", "CITY#");
    met(&bench, guarantee, at, &["CITY#"], [found("a"), found("b")]).await
}

/// Two reports for one week come at once.
async fn a_week_has_one_report(guarantee: Guarantee) -> Vec<String> {
    let report = |text: &str| Call::member(ANNA, "/api/reports/submit", json!({ "content": text }));
    let calls = [report("За неделю"), report("За всю неделю")];
    let of = &["REPORTS#", "REPORT#", "MEMBER#"];
    met(&club().await, guarantee, ("club-reports-submit", "REPORTS#"), of, calls).await
}

/// A report is taken back twice at once.
async fn a_report_is_taken_back_once(guarantee: Guarantee) -> Vec<String> {
    let bench = club().await;
    let wish = json!({ "content": "За неделю" });
    let made = bench.does(ANNA, "POST", "/api/reports/submit", &wish).await;
    let id = made["report"]["id"].as_str().expect("a report");
    let gone = Call::deleting(ANNA, &format!("/api/reports/{id}"));
    let of = &["REPORTS#", "REPORT#", "MEMBER#"];
    met(&bench, guarantee, ("club-reports-delete", "REPORTS#"), of, [gone.clone(), gone]).await
}

/// A video is told of twice at once.
async fn a_video_is_watched_once(guarantee: Guarantee) -> Vec<String> {
    let bench = club().await;
    bench.is_furnished().await;
    let wish = |seconds| {
        let body = json!({ "videoId": "posture", "watchTimeSeconds": seconds });
        Call::member(ANNA, "/api/v1/content/progress/complete", body)
    };
    let of = &["PROGRESS#", "MEMBER#", "XP#", "ACHIEVEMENTS#"];
    let at = ("club-content-complete", "VIDEO#");
    met(&bench, guarantee, at, of, [wish(60), wish(61)]).await
}

/// A stream is attended twice at once.
async fn a_stream_is_attended_once(guarantee: Guarantee) -> Vec<String> {
    let bench = club().await;
    bench.is_furnished().await;
    let wish = |online| {
        let body = json!({ "watchedOnline": online });
        Call::member(ANNA, "/api/streams/evening/attend", body)
    };
    let of = &["MEMBER#", "XP#", "ACHIEVEMENTS#"];
    let at = ("club-streams-attend", "stream:evening");
    met(&bench, guarantee, at, of, [wish(true), wish(false)]).await
}

//! Entries of transactions that get lost, each on purpose.

use serde_json::{Value, json};

use super::{Call, anybody, both, club, on_sale, placed, ware};
use crate::bench::Bench;
use crate::community::{ratings, walks};
use crate::invariants::violations;
use crate::permissions::scene::{BORIS, CITY, VERA};
use crate::sabotage::stage::{Guarantee, Made, clear, meet};
use crate::sabotage::{Scene, all_are_missed};
use crate::walks::ANNA;

const DAY: u64 = 86_400;

/// Entries that get lost.
const LOST: [(&str, Scene); 14] = [
    ("an award writes its line", |g| Box::pin(energies(g, "MEMBER#", "ENTRY#"))),
    ("an award takes its place", |g| Box::pin(energies(g, "MEMBER#", "SLOT#"))),
    ("experience writes its line", |g| Box::pin(energies(g, "XP#", ""))),
    ("a place is written down", |g| Box::pin(teams(g, "TEAM#", "MEMBER#"))),
    ("a place is counted", |g| Box::pin(teams(g, "TEAM#", "TEAM"))),
    ("a member knows the place", |g| Box::pin(teams(g, "MEMBER#", "MEMBER"))),
    ("the tag of teams is raised", |g| Box::pin(teams(g, "TAG#teams", ""))),
    ("a purchase is written down", |g| Box::pin(shop(g, "gift", "MEMBER#", "PURCHASE#"))),
    ("a purchase is counted", |g| Box::pin(shop(g, "gift", "MEMBER#", "BOUGHT#"))),
    ("a purchase takes from the stock", |g| Box::pin(shop(g, "gift", "SHOP", "ITEM#"))),
    ("a ticket is written down", |g| Box::pin(shop(g, "raffle_ticket", "RAFFLE#", "TICKET#"))),
    ("a report is known by its id", |g| Box::pin(learning(g, "REPORT#", ""))),
    ("what was watched is counted", |g| Box::pin(learning(g, "PROGRESS#", "TALLY"))),
    ("a generation comes whole", |g| Box::pin(a_generation_comes_whole(g))),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_entry_that_is_lost_is_missed() {
    all_are_missed("sabotage, entries of the community", &LOST).await;
}

/// One entry of every transaction is lost from now on.
fn loses(bench: &Bench, guarantee: Guarantee, pk: &'static str, sk: &'static str) {
    // Nobody has to meet anybody for that.
    meet(bench, guarantee, Made::OfOneEntry(pk, sk), anybody("nobody is waited for"), 1);
}

async fn energies(guarantee: Guarantee, pk: &'static str, sk: &'static str) -> Vec<String> {
    let bench = Bench::start().await;
    loses(&bench, guarantee, pk, sk);
    walks::energies(&bench).await;
    violations(&bench).await
}

/// Somebody joins; what the walk of teams does beyond would not be answered.
async fn teams(guarantee: Guarantee, pk: &'static str, sk: &'static str) -> Vec<String> {
    let bench = club().await;
    let team = bench.founds(&json!({ "city": CITY, "leaderUserId": VERA })).await;
    loses(&bench, guarantee, pk, sk);
    both(&bench, [placed(&team, ANNA), placed(&team, BORIS)]).await;
    violations(&bench).await
}

async fn shop(guarantee: Guarantee, kind: &str, pk: &'static str, sk: &'static str) -> Vec<String> {
    let bench = club().await;
    let mut item = ware(kind);
    item["stock"] = json!(5);
    let buys = on_sale(&bench, &item).await;
    loses(&bench, guarantee, pk, sk);
    both(&bench, [buys(ANNA, "a"), buys(BORIS, "b")]).await;
    violations(&bench).await
}

async fn learning(guarantee: Guarantee, pk: &'static str, sk: &'static str) -> Vec<String> {
    let bench = club().await;
    bench.is_furnished().await;
    loses(&bench, guarantee, pk, sk);
    let report = Call::member(ANNA, "/api/reports/submit", json!({ "content": "За неделю" }));
    let video = json!({ "videoId": "posture" });
    let video = Call::member(BORIS, "/api/v1/content/progress/complete", video);
    both(&bench, [report, video]).await;
    violations(&bench).await
}

/// A list of a generation stays behind.
async fn a_generation_comes_whole(guarantee: Guarantee) -> Vec<String> {
    let bench = club().await;
    bench.advance(1).await;
    bench.office("POST", "/api/admin/ratings/refresh", &Value::Null).await;
    loses(&bench, guarantee, "RATINGS#LEADERS", "");
    bench.pass(DAY).await;
    bench.office("POST", "/api/admin/ratings/refresh", &Value::Null).await;
    clear(&bench);
    let mut wrong = violations(&bench).await;
    wrong.extend(ratings::unlike(&bench).await);
    wrong
}

//! The shop (§5.6, §12; acceptance 22 and 23, properties 19, 22 and 28).

use serde_json::{Value, json};
use tests::{Call, Member, World, at_once, local};

use crate::{tag, unless};

const PURCHASE: &str = "/api/v1/shop/purchase";
const SEED: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

async fn describe(world: &World, id: &str, change: Value) {
    let mut fields = json!({
        "title": "Тайна", "price": 100, "category": "secret", "itemType": "gift",
    });
    fields.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    let call = world.call("PUT", &format!("/api/admin/content/shop-item/{id}"));
    call.header("x-admin-secret", world.secret("ADMIN_SECRET")).json(&fields).await.ok();
}

fn draw(world: &World, id: &str, body: &Value) -> Call {
    let call = world.call("POST", &format!("/api/admin/shop/items/{id}/draw"));
    call.header("x-admin-secret", world.secret("ADMIN_SECRET")).json(body)
}

fn buy(member: &Member, id: &str) -> Call {
    member.post(PURCHASE, &json!({"itemId": id}))
}

async fn bought(member: &Member) -> Vec<Value> {
    let body = member.get("/api/v1/shop/purchases").await.ok();
    body["purchases"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a22_without_balance_nothing_is_bought() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    anna.pays().await;
    describe(&world, "dear", json!({"price": 501})).await;
    let before = anna.everything().await;
    buy(&anna, "dear").await.problem(409, "insufficient_energies");
    let changed = json!({"itemId": "dear", "expectedPrice": 500});
    anna.post(PURCHASE, &changed).await.problem(409, "price_changed");
    assert_eq!(anna.everything().await, before);
    assert!(bought(&anna).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a22_three_keyless_posts_are_one_purchase() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    anna.pays().await;
    describe(&world, "tea", json!({})).await;
    let answers = at_once(3, |_| buy(&anna, "tea")).await;
    assert!(answers.iter().all(|answer| answer.ok() == answers[0].ok()), "{answers:?}");
    for _ in 0..2 {
        world.advance(40).await;
        let again = buy(&anna, "tea").await;
        assert_eq!((again.ok(), again.must("idempotency-replayed")), (answers[0].ok(), "true"));
    }
    assert_eq!((bought(&anna).await.len(), anna.balance().await), (1, 400));
    world.advance(46).await;
    assert_ne!(buy(&anna, "tea").await.ok(), answers[0].ok());
    assert_eq!((bought(&anna).await.len(), anna.balance().await), (2, 300));
}

#[tokio::test(flavor = "multi_thread")]
async fn a22_ten_pieces_make_ten_purchases() {
    let world = local!("RATE_PAYMENT" => "1000/60", "RATE_PUBLIC" => "1000/60");
    describe(&world, "tea", json!({"stock": 10})).await;
    let mut members = Vec::new();
    for id in 0..40 {
        let member = world.member(1_000 + id, "Анна").await;
        member.pays().await;
        members.push(member);
    }
    let mut answers = at_once(40, |n| buy(&members[n], "tea")).await;
    while answers.iter().any(|answer| answer.status == 503) {
        answers = at_once(40, |n| buy(&members[n], "tea")).await;
    }
    let won = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(won, 10, "{answers:?}");
    for lost in answers.iter().filter(|answer| answer.status != 200) {
        lost.problem(409, "out_of_stock");
    }
    let item = world.call("GET", "/api/v1/shop/items/tea").await.ok();
    assert_eq!(item["item"]["stock"], 0);
    let mut spent = 0;
    for member in &members {
        spent += 500 - member.balance().await;
    }
    assert_eq!(spent, 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a23_the_raffle_of_the_contract_is_drawn_once() {
    let world = local!("RATE_PAYMENT" => "1000/60");
    let price = json!({"itemType": "raffle_ticket", "price": 10});
    describe(&world, "raffle-1", price).await;
    let mut members = Vec::new();
    for id in 0..6 {
        let member = world.member(1_000 + id, "Анна").await;
        member.pays().await;
        members.push(member);
    }
    for (n, owner) in "ABBCDAEBFD".chars().enumerate() {
        let member = &members[usize::from(u8::try_from(owner).unwrap() - b'A')];
        let made = buy(member, "raffle-1").key(&format!("ticket-{n}")).await.ok();
        assert_eq!(made["purchase"]["ticketNumbers"], json!([n + 1]));
    }
    let wish = json!({"winners": 3, "seed": SEED});
    let drawn = draw(&world, "raffle-1", &wish).await.ok();
    let winners = drawn["draw"]["winners"].as_array().unwrap();
    let told: Vec<_> =
        winners.iter().map(|one| (one["ticketNumber"].clone(), one["userId"].clone())).collect();
    let expected = [(6, 0), (8, 1), (9, 5)].map(|(n, who): (i64, usize)| {
        let uuid = &members[who].uuid;
        (json!(n), json!(uuid))
    });
    assert_eq!(told, expected);
    let hash = "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd";
    assert_eq!(drawn["draw"]["seedHash"], hash);
    assert_eq!(draw(&world, "raffle-1", &json!({"winners": 1})).await.ok(), drawn);
    buy(&members[0], "raffle-1").await.problem(404, "not_found");
    describe(&world, "empty", json!({"itemType": "raffle_ticket"})).await;
    draw(&world, "empty", &wish).await.problem(409, "no_tickets");
}

#[tokio::test(flavor = "multi_thread")]
async fn p22_the_catalogue_never_hides_a_purchase() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    anna.pays().await;
    describe(&world, "tea", json!({"stock": 3})).await;
    let ask = || world.call("GET", "/api/v1/shop/items");
    let first = ask().await;
    assert_eq!(first.must("cache-control"), "public, no-cache, max-age=1800");
    assert_eq!(unless(ask(), &tag(&first)).await.status, 304);
    let own = anna.get("/api/v1/shop/balance").await;
    buy(&anna, "tea").await.ok();
    let fresh = unless(ask(), &tag(&first)).await;
    let items = fresh.ok()["items"].as_array().unwrap().clone();
    let tea = items.iter().find(|item| item["id"] == "tea").unwrap();
    assert_eq!(tea["stock"], 2);
    let balance = unless(anna.get("/api/v1/shop/balance"), &tag(&own)).await;
    assert_eq!(balance.ok()["balance"], 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn p28_malformed_ids_are_of_nothing() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    anna.pays().await;
    for id in ["%20", "a%2Fb", "%D1%8F", &"x".repeat(300)] {
        world.call("GET", &format!("/api/v1/shop/items/{id}")).await.problem(404, "not_found");
        anna.get(&format!("/api/v1/shop/purchased/{id}")).await.problem(404, "not_found");
        let used = world.call("POST", &format!("/api/v1/shop/purchases/{id}/use"));
        let used = used.header("x-admin-secret", world.secret("ADMIN_SECRET"));
        used.await.problem(404, "not_found");
        draw(&world, id, &json!({"winners": 1})).await.problem(404, "not_found");
    }
}

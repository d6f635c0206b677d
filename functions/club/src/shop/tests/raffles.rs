//! Draws.

use super::*;

const SEED: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// A raffle whose tickets these members have, in order.
async fn raffle(owners: &str) -> Shop {
    let shop = Shop::open().await;
    shop.describe("raffle-1", json!({ "itemType": "raffle_ticket", "price": 1 })).await;
    for owner in owners.chars() {
        let tg_id = i64::from(u32::from(owner));
        if crate::auth::find(shop.world.table(), tg_id).await.unwrap().is_none() {
            shop.buyer(tg_id, 100).await;
        }
        assert_eq!(shop.buy(tg_id, json!({ "itemId": "raffle-1" })).await.status, 200);
        shop.pass(46);
    }
    shop
}

#[tokio::test]
async fn the_contract_s_raffle_is_drawn_once() {
    let shop = raffle("ABBCDAEBFD").await;
    let wish = json!({ "winners": 3, "seed": SEED });
    let reply = shop.draw("raffle-1", wish.clone()).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let draw = &reply.body["draw"];
    let hash = "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd";
    assert_eq!((&draw["seed"], &draw["seedHash"]), (&json!(SEED), &json!(hash)));
    assert_eq!(draw["tickets"], 10);
    let winners = draw["winners"].as_array().unwrap();
    let won: Vec<_> =
        winners.iter().map(|one| (&one["ticketNumber"], &one["telegramId"])).collect();
    let expected = [(json!(6), json!(65)), (json!(8), json!(66)), (json!(9), json!(70))];
    assert_eq!(won, expected.iter().map(|(n, id)| (n, id)).collect::<Vec<_>>());
    assert_eq!((reply.cost.requests, reply.cost.items), (3, 3));
    shop.pass(100);
    for other in
        [wish, json!({ "winners": 1 }), json!({ "winners": 9, "seed": SEED.to_uppercase() })]
    {
        let again = shop.draw("raffle-1", other).await;
        assert_eq!((&again.body, again.cost.requests), (&reply.body, 1));
    }
    // It is over.
    assert_eq!(shop.refused(65, json!({ "itemId": "raffle-1" })).await.0, 404);
    let fields = json!({ "itemType": "raffle_ticket", "price": 1, "isActive": true });
    assert_eq!(shop.describe("raffle-1", fields).await["isActive"], false);
    assert_eq!(shop.refused(65, json!({ "itemId": "raffle-1" })).await.0, 404);
    let path = "/api/v1/shop/items/raffle-1";
    assert_eq!(shop.world.call(item(), Request::get(path)).await.status, 404);
    shop.check_invariants().await;
}

#[tokio::test]
async fn a_seed_that_nobody_gave_is_told_and_checks() {
    let shop = raffle("AB").await;
    let draw = shop.draw("raffle-1", json!({ "winners": 100 })).await.body["draw"].clone();
    let seed = super::super::raffle::Seed::read(draw["seed"].as_str().unwrap()).unwrap();
    assert_eq!(draw["seedHash"], seed.hash());
    let tickets: Vec<Ticket> = shop.all().await;
    let won = super::super::winners(&seed, "raffle-1", &tickets, 100);
    let numbers: Vec<_> = won.iter().map(|one| json!(one.number)).collect();
    let told = draw["winners"].as_array().unwrap();
    assert_eq!(told.iter().map(|one| one["ticketNumber"].clone()).collect::<Vec<_>>(), numbers);
    assert_eq!(told.len(), 2);
}

#[tokio::test]
async fn what_cannot_be_drawn() {
    let shop = raffle("").await;
    shop.describe("tea", json!({})).await;
    let cases = [
        ("raffle-1", json!({ "winners": 1 }), 409, "no_tickets"),
        ("tea", json!({ "winners": 1 }), 409, "no_tickets"),
        ("none", json!({ "winners": 1 }), 404, "not_found"),
        ("n%20o", json!({ "winners": 1 }), 404, "not_found"),
        ("raffle-1", json!({ "winners": 0 }), 400, "validation_failed"),
        ("raffle-1", json!({ "winners": 101 }), 400, "validation_failed"),
        ("raffle-1", json!({}), 400, "validation_failed"),
        ("raffle-1", json!({ "winners": 1, "seed": "00" }), 400, "validation_failed"),
    ];
    for (id, wish, status, code) in cases {
        let reply = shop.draw(id, wish.clone()).await;
        let got = (reply.status.as_u16(), &reply.body["code"]);
        assert_eq!(got, (status, &json!(code)), "{id} {wish}");
    }
    let open = Request::post("/api/admin/shop/items/raffle-1/draw", json!({ "winners": 1 }));
    let reply = shop.world.call(draw(), open).await;
    assert_eq!((reply.status.as_u16(), &reply.body["code"]), (403, &json!("admin_required")));
    assert_eq!(shop.count("RaffleDraw").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn draws_at_once_are_one() {
    let shop = raffle("ABC").await;
    let instance = shop.world.start(draw()).await;
    let wish = || {
        let path = "/api/admin/shop/items/raffle-1/draw";
        Request::post(path, json!({ "winners": 2 })).header("x-admin-secret", SECRET)
    };
    let replies = shop.world.send_all(&instance, (0..8).map(|_| wish())).await;
    let done: Vec<_> = replies.iter().filter(|reply| reply.status == 200).collect();
    assert!(!done.is_empty());
    assert!(done.iter().all(|reply| reply.body == done[0].body));
    assert!(replies.iter().all(|reply| [200, 503].contains(&reply.status.as_u16())));
    assert_eq!(shop.count("RaffleDraw").await, 1);
}

#[tokio::test]
async fn a_purchase_at_the_time_of_a_draw_is_in_it_or_refused() {
    let shop = raffle("AB").await;
    let seen = shop.item("raffle-1").await;
    let (table, now) = (shop.world.table(), shop.world.now());
    let draw = |tickets: u32| super::super::raffle::Draw {
        item_id: "raffle-1".to_owned(),
        seed: SEED.to_owned(),
        seed_hash: String::new(),
        tickets,
        winners: Vec::new(),
        at: now,
    };
    let fields = json!({
        "title": "Тайна", "price": 1, "category": "secret", "itemType": "raffle_ticket",
    });
    let described = replacing("shop-item", "raffle-1", &fields, Seen::default(), now).unwrap();
    // Somebody buys after the draw was read: it is refused, and drawn anew with the ticket.
    shop.buyer(67, 100).await;
    assert_eq!(shop.buy(67, json!({ "itemId": "raffle-1" })).await.status, 200);
    let late = table.transact(super::super::store::drawing(&seen, &draw(2), "late")).await;
    assert!(late.unwrap_err().refusal().unwrap().has("item"));
    assert_eq!(shop.draw("raffle-1", json!({ "winners": 1 })).await.body["draw"]["tickets"], 3);
    // Somebody has read the item before the draw: the write is refused.
    let late = table.transact(described.writes).await;
    assert!(late.unwrap_err().refusal().unwrap().has("item"));
    let (member, item) = (shop.buyer(68, 100).await, seen);
    let purchase = Purchase::of(&item, &member, &Purchase::id_for(68, now), now);
    let expense = energies::Expense::purchase(&purchase.id, "x", 1);
    let outgo = energies::expense(&member, &expense, now).unwrap();
    let sale =
        super::super::store::Sale { item: &item, member: &member, purchase: &purchase, outgo };
    assert!(table.transact(sale.writes(now)).await.unwrap_err().refusal().unwrap().has("item"));
    assert_eq!(shop.refused(68, json!({ "itemId": "raffle-1" })).await.0, 404);
    shop.check_invariants().await;
}

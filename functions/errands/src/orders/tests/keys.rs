//! Keys of requests: the same key gives the same answer, and no second effect.

use shared::function::Function;

use super::super::{close, complete, create as make, respond, take as buy};
use super::http::{order_path, post_body};
use super::*;
use crate::testing::{Reply, Request};

/// An endpoint that takes a key, and what it answers.
struct Keyed {
    act: &'static str,
    function: fn() -> Function<App>,
    caller: i64,
    status: u16,
}

const KEYED: [Keyed; 4] = [
    Keyed { act: "take", function: buy, caller: EXECUTOR + 1, status: 200 },
    Keyed { act: "respond", function: respond, caller: CLIENT, status: 200 },
    Keyed { act: "complete", function: complete, caller: CLIENT, status: 200 },
    Keyed { act: "close", function: close, caller: CLIENT, status: 204 },
];

impl Market {
    /// A market with an order that the first of two executors has taken.
    async fn taken() -> (Self, String) {
        let market = Self::of(2, 10).await;
        let id = market.post().await;
        market.take_all(&id, 1).await;
        (market, id)
    }

    fn keyed(&self, request: Request, caller: i64) -> Request {
        request.by(&self.authorization(caller)).header("idempotency-key", "the-key:\"one\"!")
    }
}

fn is_replay(reply: &Reply) -> bool {
    reply.headers["idempotency-replayed"] == "true"
}

#[tokio::test]
async fn a_key_gives_the_stored_answer_and_no_second_effect() {
    for Keyed { act, function, caller, status } in KEYED {
        let (market, id) = Market::taken().await;
        let request = market.keyed(order_path(&id, act), caller);
        let first = market.http(function(), request.clone()).await;
        assert_eq!((first.status.as_u16(), is_replay(&first)), (status, false), "{act}");
        let events = market.events().await.len();
        // Whatever has become of the order since.
        market.pass(minutes(90));
        market.sweep().await;
        let swept = market.events().await.len();
        let again = market.http(function(), request).await;
        assert_eq!((again.status.as_u16(), &again.body), (status, &first.body), "{act}");
        assert!(is_replay(&again) && again.cost.requests == 1, "{act}: {:?}", again.cost);
        assert!(market.events().await.len() == swept && swept >= events);
        market.check_invariants().await;
        // The same key for another order is a mistake.
        let other = market.create(&draft("another contact")).await.id();
        let mistaken = market.keyed(order_path(&other, act), caller);
        let refused = market.http(function(), mistaken).await;
        assert_eq!(refused.refusal(), (422, "idempotency_mismatch", "Idempotency key reuse"));
        // For another caller it is another key.
        let stranger = market.keyed(order_path(&id, act), EXECUTOR);
        assert!(!is_replay(&market.http(function(), stranger).await));
    }
}

#[tokio::test]
async fn a_key_costs_one_item_more() {
    for (Keyed { act, function, caller, .. }, items) in KEYED.into_iter().zip([6, 3, 7, 8]) {
        let (market, id) = Market::taken().await;
        let request = market.keyed(order_path(&id, act), caller);
        let told = market.http(function(), request).await;
        assert_eq!((told.cost.requests, told.cost.items), (2, items), "{act}");
    }
}

#[tokio::test]
async fn a_creation_under_a_key_is_one_creation() {
    let market = Market::open().await;
    let request = || market.keyed(Request::post("/api/orders", post_body()), CLIENT);
    let first = market.http(make(), request()).await;
    assert_eq!((first.status.as_u16(), first.cost.items), (201, 6));
    let again = market.http(make(), request()).await;
    assert_eq!((again.status.as_u16(), &again.body, is_replay(&again)), (201, &first.body, true));
    let mut other = post_body();
    other["city"] = json!("Тверь");
    let other = market.keyed(Request::post("/api/orders", other), CLIENT);
    let refused = market.http(make(), other).await;
    assert_eq!(refused.refusal(), (422, "idempotency_mismatch", "Idempotency key reuse"));
    assert_eq!(market.count("Order").await, 1);
    // A key is remembered for a day.
    market.pass(minutes(24 * 60));
    let later = market.http(make(), request()).await;
    assert_eq!((later.status.as_u16(), is_replay(&later)), (201, false));
    assert_ne!(later.body["id"], first.body["id"]);
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twins_under_one_key_are_answered_alike() {
    for _ in 0..5 {
        let market = Market::open().await;
        let create = market.world.start(make()).await;
        let request = market.keyed(Request::post("/api/orders", post_body()), CLIENT);
        let told = market.world.send_all(&create, std::iter::repeat_n(request, 10)).await;
        assert!(told.iter().all(|each| each.status == 201 && each.body == told[0].body));
        assert_eq!(told.iter().filter(|told| is_replay(told)).count(), 9);
        for Keyed { act, function, caller, status } in KEYED {
            let (market, id) = Market::taken().await;
            let instance = market.world.start(function()).await;
            let request = market.keyed(order_path(&id, act), caller);
            let told = market.world.send_all(&instance, std::iter::repeat_n(request, 10)).await;
            assert!(
                told.iter().all(|each| each.status == status && each.body == told[0].body),
                "{act}: {told:?}"
            );
            market.check_invariants().await;
        }
    }
}

#[tokio::test]
async fn a_refusal_is_not_stored() {
    let market = Market::open().await;
    market.user(EXECUTOR, 0).await;
    let id = market.post().await;
    let request = || market.keyed(order_path(&id, "take"), EXECUTOR);
    assert_eq!(market.http(buy(), request()).await.refusal().1, "insufficient_balance");
    market.user(EXECUTOR, 2).await;
    assert_eq!(market.http(buy(), request()).await.status.as_u16(), 200);
    market.check_invariants().await;
}

/// What was answered under a key is found again by whoever died before hearing of it.
#[tokio::test]
async fn a_lost_answer_is_given_again() {
    use engine::{Fault, FaultKind, Target};
    for Keyed { act, function, caller, status } in KEYED {
        let (market, id) = Market::taken().await;
        let fault = Fault::new(Target::Dynamodb, FaultKind::LostAnswer)
            .operation("TransactWriteItems")
            .caller(&format!("local-{}", function().declaration().name));
        market.world.engine.faults().inject(fault);
        let request = market.keyed(order_path(&id, act), caller);
        let lost = market.http(function(), request.clone()).await;
        assert_eq!(lost.refusal(), (503, "unavailable", "Service is temporarily unavailable"));
        assert_eq!(lost.headers["retry-after"], "1");
        market.world.engine.faults().clear();
        let found = market.http(function(), request).await;
        assert_eq!((found.status.as_u16(), is_replay(&found)), (status, true), "{act}");
        market.check_invariants().await;
    }
}

//! How much at once, how much a second, and against whom it counts.

use serde_json::json;
use tests::{Answer, Call, Person, World, errands};

use crate::scene::NO_ORDER;

/// Answers that were not let through.
fn limited(answers: &[Answer]) -> usize {
    answers.iter().filter(|answer| answer.status == 429).count()
}

/// Reads are counted where they are served: one after the other they meet one count.
async fn one_by_one(call: &Call, times: usize) -> Vec<Answer> {
    let mut answers = Vec::with_capacity(times);
    for _ in 0..times {
        answers.push(call.clone().await);
    }
    answers
}

/// A call of each class that changes nothing, its burst, and how many come back in ten seconds.
fn classes(anna: &Person) -> Vec<(&'static str, Call, usize, usize)> {
    let edit = json!({"description": "Течёт кран в ванной, мастер нужен сейчас"});
    let review = json!({"order_id": NO_ORDER, "rating": 5});
    vec![
        ("read", anna.get("/api/balance"), 300, 200),
        ("poll", anna.get("/api/balance/payment/1/status"), 60, 10),
        ("order", anna.put(&format!("/api/orders/{NO_ORDER}"), &edit), 120, 10),
        ("take", anna.act(NO_ORDER, "take"), 40, 10),
        ("settings", anna.put("/api/users/me/notification-settings", &json!({})), 30, 10),
        ("review", anna.post("/api/reviews/client", &review), 30, 10),
        ("payment", anna.post("/api/balance/recharge", &json!({"amount": 1})), 30, 2),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a23_every_class_has_its_burst_and_its_refill() {
    let world = errands!();
    let (anna, boris) = (world.person(42, "Анна").await, world.person(43, "Борис").await);
    for (class, call, burst, refill) in classes(&anna) {
        let answers = one_by_one(&call, burst + 7).await;
        assert_eq!(limited(&answers), 7, "{class}");
        let refused = answers.iter().find(|answer| answer.status == 429).unwrap();
        refused.detail(429, "rate_limited", "Too many requests. Try again later");
        assert!(refused.must("retry-after").parse::<u32>().is_ok(), "{refused}");
        world.advance(10).await;
        let answers = one_by_one(&call, refill + 5).await;
        assert_eq!(limited(&answers), 5, "{class}");
    }
    for (class, call, ..) in classes(&boris) {
        assert_ne!(call.await.status, 429, "{class} of somebody else");
    }
}

async fn burst(world: &World, forwarded: &str, times: usize) -> usize {
    let call = world.get("/api/cities?search=мос").header("x-forwarded-for", forwarded);
    limited(&one_by_one(&call, times).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a23_strangers_count_against_the_address_of_the_gateway() {
    let world = errands!("RATE_TRUSTED_CIDRS" => "", "RATE_ANON" => "20/20");
    assert_eq!(burst(&world, "203.0.113.1", 20).await, 0);
    assert_eq!(burst(&world, "203.0.113.2", 5).await, 5, "a forged header opens nothing");
    world.advance(5).await;
    assert_eq!(burst(&world, "203.0.113.3", 8).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a23_behind_a_proxy_the_address_is_the_one_it_saw() {
    // The gateway writes down who came to it, the proxy before it who came to that.
    let world =
        errands!("RATE_TRUSTED_CIDRS" => "", "RATE_ANON" => "5/5", "TRUSTED_PROXY_HOPS" => "2");
    for forged in ["", "1.1.1.1, ", "unknown, ", "203.0.113.2, "] {
        let seen = format!("{forged}203.0.113.1");
        burst(&world, &seen, 3).await;
    }
    assert_eq!(burst(&world, "203.0.113.1", 4).await, 4, "one address, one bucket");
    assert_eq!(burst(&world, "203.0.113.2", 5).await, 0, "another is another's");
}

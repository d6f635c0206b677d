//! What payment forms tell, and the time in which nobody may buy (§5.3, §6.1; acceptance 11).

use serde_json::json;
use tests::{GIFT, MONTH, Member, local};

use crate::DAY;

/// Anna, whose subscription ended so many days ago.
async fn expired(world: &tests::World, ago: u64) -> Member {
    let anna = world.member(42, "Анна").await;
    anna.pays().await;
    world.advance((30 + ago) * DAY).await;
    anna.user.sign_in().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_who_cools_down_is_told_until_when() {
    let world = local!("RATE_PAYMENT" => "1000/60");
    let anna = expired(&world, 8).await;
    let attempt = json!({"telegram_id": 42, "payment_method": "bank-rf", "amount": 2000});
    let problem = anna.post("/api/analytics/payment-attempt", &attempt).await;
    let problem = problem.problem(403, "cooldown_active");
    assert_eq!(
        (&problem["error"], &problem["unlock_date"]),
        (&json!("cooldown_active"), &json!("20.05.2026"))
    );
    let blocked = anna.get("/api/analytics/check-cooldown?telegram_id=42").await.ok();
    assert_eq!(blocked["blocked"], true);
    assert_eq!(
        (&blocked["unlock_date"], &blocked["first_name"]),
        (&json!("20.05.2026"), &json!("Анна"))
    );
    let link = anna.ask(&anna.wish(MONTH)).await.problem(403, "cooldown_active");
    assert_eq!(link["unlock_date"], "20.05.2026");
    anna.link(GIFT).await;
    let mut gift = attempt;
    gift["metka"] = json!("gift_payment");
    anna.post("/api/analytics/payment-attempt", &gift).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_who_does_not_cool_down_may_buy() {
    for ago in [6, 91] {
        let world = local!("RATE_PAYMENT" => "1000/60");
        let anna = expired(&world, ago).await;
        let free = anna.get("/api/analytics/check-cooldown?telegram_id=42").await.ok();
        assert_eq!(free, json!({"success": true, "blocked": false}), "{ago}");
        let attempt =
            json!({"telegram_id": "42", "payment_method": "bank-rf", "amount": "2000.00"});
        let told = anna.post("/api/analytics/payment-attempt", &attempt).await.ok();
        assert_eq!(told["message"], "Payment attempt tracked");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_a_form_gives_nothing_to_anybody() {
    let world = local!();
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    let (before, theirs) = (anna.everything().await, boris.everything().await);
    let form = json!({
        "telegram_id": 42, "email": "member43@example.com", "phone": "null", "utm_source": "x",
    });
    for _ in 0..3 {
        let told = anna.post("/api/analytics/form-open", &form).await.ok();
        assert_eq!(told["message"], "Form open tracked");
    }
    let gift = json!({"gifter_id": 42, "recipient_id": 43});
    anna.post("/api/analytics/gift-attempt", &gift).await.ok();
    let paid = json!({"telegram_id": 42, "payment_method": "bank-rf", "amount": 2000});
    let told = anna.post("/api/analytics/payment-success", &paid).await.ok();
    assert_eq!(told["message"], "Payment success tracked");
    world.advance(60).await;
    assert_eq!((anna.everything().await, boris.everything().await), (before, theirs));
    assert!(anna.messages().await.is_empty() && boris.messages().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_tells_anything_of_anybody_else() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let other = json!({
        "telegram_id": 43, "gifter_id": 43, "recipient_id": 42, "payment_method": "x", "amount": 1,
    });
    for path in ["form-open", "gift-attempt", "payment-success", "payment-attempt"] {
        let answer = anna.post(&format!("/api/analytics/{path}"), &other).await;
        answer.problem(403, "subject_mismatch");
    }
    let path = "/api/analytics/check-cooldown";
    anna.get(&format!("{path}?telegram_id=43")).await.problem(403, "subject_mismatch");
    anna.get(&format!("{path}?telegram_id=x")).await.problem(400, "bad_telegram_id");
    anna.get(path).await.problem(400, "bad_telegram_id");
}

//! Money that was put aside.

use engine::{Fault, FaultKind, Target, When};
use shared::clock::days;

use super::*;
use crate::gifts;

const LIST: &str = "/api/admin/unassigned-payments";

fn path(id: &str, act: &str) -> String {
    format!("{LIST}/{id}/{act}")
}

fn monthly() -> Value {
    json!({ "telegram_id": ANNA, "offer_key": "monthly_rub_2000" })
}

impl Office {
    async fn assign(&self, id: &str, body: Value) -> Reply {
        self.post(assign(), &path(id, "assign"), body).await
    }

    /// Assigns, where the settlement does not happen: the row says whose the money is, no more.
    async fn half_assigned(&self, path: &str, body: Value, key: &str) -> Reply {
        let settlement = Fault::new(Target::Dynamodb, FaultKind::Error)
            .caller("local-club-admin-assign")
            .operation("TransactWriteItems")
            .when(When::Calls((1..100).collect()));
        self.world.engine.faults().inject(settlement);
        let reply = self.keyed(assign(), path, body, key).await;
        self.world.engine.faults().clear();
        reply
    }

    async fn list(&self, query: &str) -> Vec<String> {
        let reply = self.get(unassigned(), &format!("{LIST}{query}")).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let rows = reply.body["payments"].as_array().unwrap().iter();
        rows.map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn an_assignment_settles_what_came_once() {
    let office = Office::open().await;
    office.stray("stray").await;
    let reply = office.assign("sandbox:stray", monthly()).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.body["payment_id"], "sandbox:stray");
    let anna = office.anna().await;
    assert_eq!(anna.subscription_expires, Some(office.now() + days(30)));
    assert_eq!((anna.balance, office.messages("settled").await), (500, 1));
    let payment = &office.world.items("Payment").await[0];
    assert_eq!(payment["sum"]["M"]["minor"]["N"], "199900", "what came, not what it should be");
    for body in [monthly(), json!({ "telegram_id": ANNA, "offer_key": "gift_rub_2000" })] {
        let again = office.assign("sandbox:stray", body).await;
        assert_eq!(code(&again), (409, "already_assigned".to_owned()));
    }
    // The provider may say it again.
    office.stray("stray").await;
    assert_eq!((office.count("Payment").await, office.anna().await.balance), (1, 500));
    assert_eq!(office.messages("admin_alert").await, 1);
    office.check_invariants().await;
}

#[tokio::test]
async fn a_key_answers_the_same_again() {
    let office = Office::open().await;
    office.stray("stray").await;
    let path = path("sandbox:stray", "assign");
    let first = office.keyed(assign(), &path, monthly(), "one").await;
    let again = office.keyed(assign(), &path, monthly(), "one").await;
    assert_eq!((again.status.as_u16(), &again.body), (200, &first.body));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let other = office.keyed(assign(), &path, monthly(), "two").await;
    assert_eq!(code(&other), (409, "already_assigned".to_owned()));
}

#[tokio::test]
async fn a_key_of_another_wish_is_refused_before_and_after_it_took_effect() {
    let office = Office::open().await;
    office.stray("stray").await;
    let path = path("sandbox:stray", "assign");
    let gift = json!({ "telegram_id": ANNA, "offer_key": "gift_rub_2000" });
    let mismatch = (422, "idempotency_mismatch".to_owned());
    assert_eq!(office.half_assigned(&path, monthly(), "one").await.status, 503);
    assert_eq!((office.count("Attempt").await, office.count("Payment").await), (1, 0));
    assert_eq!(code(&office.keyed(assign(), &path, gift.clone(), "one").await), mismatch);
    assert_eq!(office.keyed(assign(), &path, monthly(), "one").await.status, 200);
    assert_eq!(code(&office.keyed(assign(), &path, gift, "one").await), mismatch);
    let again = office.keyed(assign(), &path, monthly(), "one").await;
    assert_eq!(
        (again.status.as_u16(), &again.headers["idempotency-replayed"]),
        (200, &json!("true"))
    );
    assert_eq!((office.count("Payment").await, office.count("Attempt").await), (1, 1));
    office.check_invariants().await;
}

#[tokio::test]
async fn a_key_goes_on_with_its_wish_where_another_wish_came_between() {
    let office = Office::open().await;
    office.stray("stray").await;
    let path = path("sandbox:stray", "assign");
    let gift = json!({ "telegram_id": ANNA, "offer_key": "gift_rub_2000" });
    for (key, body) in [("one", monthly()), ("two", gift)] {
        assert_eq!(office.half_assigned(&path, body, key).await.status, 503);
    }
    let first = office.keyed(assign(), &path, monthly(), "one").await;
    assert_eq!(first.status, 200, "{}", first.body);
    assert_eq!((office.anna().await.balance, office.count("Gift").await), (500, 0));
    let again = office.keyed(assign(), &path, monthly(), "one").await;
    assert_eq!(again.body, first.body);
    office.check_invariants().await;
}

#[tokio::test]
async fn a_wrong_sum_of_a_known_attempt_is_assigned_beside_it() {
    let office = Office::open().await;
    let attempt = office.linked("monthly_rub_2000").await;
    let wrong = json!({
        "attempt_id": attempt, "event": "success", "external_id": "short", "amount": "1500.00",
    });
    office.told(wrong.clone()).await;
    assert_eq!(office.anna().await.balance, 0);
    assert_eq!(office.assign("sandbox:short", monthly()).await.status, 200);
    office.told(wrong).await;
    assert_eq!((office.anna().await.balance, office.count("Payment").await), (500, 1));
    // The attempt itself may still be paid.
    office.told(json!({ "attempt_id": attempt, "event": "success" })).await;
    assert_eq!((office.anna().await.balance, office.count("Payment").await), (1_000, 2));
    office.check_invariants().await;
}

#[tokio::test]
async fn a_gift_is_the_members_to_give() {
    let office = Office::open().await;
    office.stray("stray").await;
    let body = json!({ "telegram_id": ANNA, "offer_key": "gift_rub_2000" });
    assert_eq!(office.assign("sandbox:stray", body).await.status, 200);
    let (_, given) = gifts::given(office.world.table(), ANNA).await.unwrap();
    assert_eq!((given.len(), office.messages("gift_link").await), (1, 1));
    assert_eq!((office.expires().await, office.anna().await.balance), (None, 0));
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let office = Office::open().await;
    office.stray("stray").await;
    for (id, body, expected) in [
        ("sandbox:other", monthly(), (404, "not_found")),
        ("stray", monthly(), (404, "not_found")),
        (
            "sandbox:stray",
            json!({ "telegram_id": 5, "offer_key": "monthly_rub_2000" }),
            (404, "not_found"),
        ),
        (
            "sandbox:stray",
            json!({ "telegram_id": ANNA, "offer_key": "other" }),
            (404, "offer_unknown"),
        ),
        ("sandbox:stray", json!({ "telegram_id": ANNA }), (400, "validation_failed")),
        (
            "sandbox:stray",
            json!({ "telegram_id": "x", "offer_key": "x" }),
            (400, "validation_failed"),
        ),
    ] {
        let reply = office.assign(id, body).await;
        assert_eq!(code(&reply), (expected.0, expected.1.to_owned()), "{id}");
    }
    office
        .told(json!({
            "attempt_id": "att_unknown", "event": "success", "external_id": "odd",
            "amount": "a lot", "currency": "DOGE",
        }))
        .await;
    let odd = office.assign("sandbox:odd", monthly()).await;
    assert_eq!(code(&odd), (409, "sum_unreadable".to_owned()));
    assert_eq!(office.count("Payment").await, 0);
}

#[tokio::test]
async fn rows_are_listed_newest_first_and_leave_the_list_when_decided() {
    let office = Office::open().await;
    for n in 0..5 {
        office.stray(&format!("s{n}")).await;
        office.pass(1);
    }
    assert_eq!(
        office.list("").await,
        (0..5).rev().map(|n| format!("sandbox:s{n}")).collect::<Vec<_>>()
    );
    let reply = office.get(unassigned(), &format!("{LIST}?limit=2")).await;
    let row = &reply.body["payments"][0];
    assert_eq!((&row["amount"], &row["reason"]), (&json!("1999.00"), &json!("unknown_attempt")));
    let cursor = reply.body["nextCursor"].as_str().unwrap().to_owned();
    let next = office.list(&format!("?limit=2&cursor={cursor}")).await;
    assert_eq!(next, ["sandbox:s2", "sandbox:s1"]);
    for (query, status) in [
        (format!("?cursor={cursor}&status=assigned"), 400),
        ("?cursor=x".to_owned(), 400),
        ("?limit=0".to_owned(), 400),
        ("?status=other".to_owned(), 400),
    ] {
        let reply = office.get(unassigned(), &format!("{LIST}{query}")).await;
        assert_eq!(reply.status.as_u16(), status, "{query}");
    }

    assert_eq!(office.assign("sandbox:s4", monthly()).await.status, 200);
    let body = json!({ "reason": "given back by hand" });
    for _ in 0..2 {
        let reply = office.post(dismiss(), &path("sandbox:s3", "dismiss"), body.clone()).await;
        assert_eq!(reply.body["payment"]["status"], "dismissed", "{}", reply.body);
        office.pass(60);
    }
    assert_eq!(office.list("").await, ["sandbox:s2", "sandbox:s1", "sandbox:s0"]);
    assert_eq!(office.list("?status=assigned").await, ["sandbox:s4"]);
    assert_eq!(office.list("?status=dismissed").await, ["sandbox:s3"]);
    let late = office.assign("sandbox:s3", monthly()).await;
    assert_eq!(code(&late), (409, "already_dismissed".to_owned()));
    let taken = office.post(dismiss(), &path("sandbox:s4", "dismiss"), body).await;
    assert_eq!(code(&taken), (409, "already_assigned".to_owned()));
    for body in [json!({}), json!({ "reason": "" }), json!({ "reason": "x".repeat(501) })] {
        let reply = office.post(dismiss(), &path("sandbox:s2", "dismiss"), body).await;
        assert_eq!(code(&reply), (400, "validation_failed".to_owned()));
    }
}

/// The provider's word that money went back, in part or whole.
fn back(attempt: &str, external_id: &str, amount: Option<&str>) -> Value {
    json!({
        "attempt_id": attempt, "event": "refund", "external_id": external_id, "refund_id": "back",
        "amount": amount,
    })
}

#[tokio::test]
async fn money_that_went_back_is_not_assigned() {
    let office = Office::open().await;
    let attempt = office.linked("monthly_rub_2000").await;
    for (id, amount) in [("whole", None), ("part", Some("1.00"))] {
        let wrong = json!({
            "attempt_id": attempt, "event": "success", "external_id": id, "amount": "1500.00",
        });
        office.told(wrong).await;
        for _ in 0..2 {
            office.told(back(&attempt, id, amount)).await;
        }
        let refused = office.assign(&format!("sandbox:{id}"), monthly()).await;
        assert_eq!(code(&refused), (409, "already_refunded".to_owned()), "{id}");
    }
    // Nor where the attempt is one that nobody knows.
    office.stray("stray").await;
    office.told(back("att_unknown", "stray", None)).await;
    let refused = office.assign("sandbox:stray", monthly()).await;
    assert_eq!(code(&refused), (409, "already_refunded".to_owned()));
    assert_eq!((office.count("Payment").await, office.anna().await.balance), (0, 0));
    assert_eq!(office.messages("admin_alert").await, 6, "once each");
    let rows = office.get(unassigned(), LIST).await;
    let rows = rows.body["payments"].as_array().unwrap().clone();
    assert!(rows.iter().all(|row| row["refunded_at"] == json!(office.now())), "{rows:?}");
    // It stays a person's to close.
    let body = json!({ "reason": "given back" });
    let closed = office.post(dismiss(), &path("sandbox:stray", "dismiss"), body).await;
    assert_eq!(closed.status, 200, "{}", closed.body);
}

#[tokio::test]
async fn a_refund_stops_an_assignment_that_was_begun() {
    let office = Office::open().await;
    office.stray("stray").await;
    let path = path("sandbox:stray", "assign");
    assert_eq!(office.half_assigned(&path, monthly(), "one").await.status, 503);
    office.told(back("att_unknown", "stray", None)).await;
    let refused = office.keyed(assign(), &path, monthly(), "one").await;
    assert_eq!(code(&refused), (409, "already_refunded".to_owned()));
    assert_eq!((office.count("Payment").await, office.anna().await.balance), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_refund_and_an_assignment_at_once_give_nothing_for_nothing() {
    for _ in 0..8 {
        let office = Office::open().await;
        office.stray("stray").await;
        let webhook = office.world.start(sandbox_webhook()).await;
        let word = || {
            Request::post("/api/webhooks/sandbox/payment", back("att_unknown", "stray", None))
                .header("x-sandbox-secret", SANDBOX_SECRET)
        };
        let assigned = office.assign("sandbox:stray", monthly());
        let (_, refunded) = tokio::join!(assigned, office.world.send(&webhook, word()));
        // Whoever was outrun is told to come again, and does.
        if refunded.status != 200 {
            assert_eq!(office.world.send(&webhook, word()).await.status, 200);
        }
        assert_eq!(office.anna().await.balance, 0);
        assert_eq!(office.count("Payment").await, office.count("Refund").await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_twenty_assignments_at_once_one_takes_effect() {
    let office = Office::open().await;
    office.stray("stray").await;
    let instance = office.world.start(assign()).await;
    let wish = |n: usize| {
        let offer = if n.is_multiple_of(2) { "monthly_rub_2000" } else { "gift_rub_2000" };
        let body = json!({ "telegram_id": ANNA, "offer_key": offer });
        Office::request(&path("sandbox:stray", "assign"), body)
    };
    let replies = office.world.send_all(&instance, (0..20).map(wish)).await;
    let done = replies.iter().filter(|reply| reply.status == 200).count();
    assert!(replies.iter().all(|reply| [200, 409, 503].contains(&reply.status.as_u16())));
    assert!(done <= 1);
    let (days, gifts) = (office.anna().await.balance / 500, office.count("Gift").await);
    assert_eq!(office.count("Payment").await, 1);
    assert_eq!(usize::try_from(days).unwrap() + gifts, 1);
    office.check_invariants().await;
}

//! The process dies at every call to a store; the same request, sent again, heals it.

use engine::{CrashMode, CrashPlan};
use shared::clock::days;

use super::*;

const MODES: [CrashMode; 3] = [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer];

fn plan(function: &str, at: u64, mode: CrashMode) -> CrashPlan {
    CrashPlan { caller: Some(format!("local-{function}")), at, mode }
}

/// Sends the same request until it is answered, with the time in between that another's hold lasts.
async fn insists(
    office: &Office,
    function: fn() -> Function<App>,
    path: &str,
    body: &Value,
) -> Reply {
    for _ in 0..3 {
        let reply = office.keyed(function(), path, body.clone(), "one").await;
        if reply.status == 200 {
            return reply;
        }
        assert_eq!(reply.status, 503, "{}", reply.body);
        office.pass(31);
    }
    panic!("never answered: {path}");
}

/// Kills `function` at each of its calls, in each way, and sends the request again.
async fn dies<F: Future<Output = Office>>(
    function: fn() -> Function<App>,
    path: impl Fn(&Office) -> String,
    body: Value,
    prepared: impl Fn() -> F,
    check: impl AsyncFn(&Office, &str),
) {
    let name = function().declaration().name;
    for mode in MODES {
        for at in 0.. {
            let office = prepared().await;
            let path = path(&office);
            office.world.engine.faults().crash(plan(name, at, mode));
            let reply = office.keyed(function(), &path, body.clone(), "one").await;
            let crashed = office.world.engine.faults().crashed();
            office.world.engine.faults().clear();
            assert!(reply.status != 500, "{mode:?} at {at}: {}", reply.body);
            insists(&office, function, &path, &body).await;
            office.check_invariants().await;
            check(&office, &format!("{mode:?} at {at}")).await;
            if !crashed {
                assert!(at >= 2, "nothing was killed");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_grant_that_dies_anywhere_grants_once() {
    let path = |_: &Office| "/api/admin/grant-subscription".to_owned();
    let body = json!({ "telegram_id": ANNA, "days": 10 });
    dies(grant, path, body, Office::open, async |office, when| {
        let anna = office.anna().await;
        let since = office.now().since(anna.created_at);
        let until = office.now() + days(10) - since;
        let late = anna.subscription_expires.unwrap().since(until);
        // A try that died before its effect is made later.
        assert!(late.as_secs() <= 62, "{when}");
        assert_eq!(office.count("SubscriptionEvent").await, 1, "{when}");
    })
    .await;
}

#[tokio::test]
async fn a_revocation_that_dies_anywhere_revokes_once() {
    let path = |_: &Office| "/api/admin/revoke-subscription".to_owned();
    let prepared = async || {
        let office = Office::open().await;
        office.paid().await;
        office
    };
    dies(revoke, path, json!({ "telegram_id": ANNA }), prepared, async |office, when| {
        assert!(!office.anna().await.is_paid(office.now()), "{when}");
        let events = office.world.items("SubscriptionEvent").await;
        let revoked = events.iter().filter(|event| event["event"]["S"] == "revoke").count();
        assert_eq!(revoked, 1, "{when}");
    })
    .await;
}

#[tokio::test]
async fn a_refund_that_dies_anywhere_happens_once() {
    let path = |office: &Office| {
        let id = office.payment.lock().unwrap().clone();
        format!("/api/admin/payments/{id}/refund")
    };
    let prepared = async || {
        let office = Office::open().await;
        let payment = office.paid().await;
        *office.payment.lock().unwrap() = payment;
        office
    };
    dies(refund, path, json!({}), prepared, async |office, when| {
        assert_eq!(office.world.provider.refunds().len(), 1, "{when}");
        assert_eq!(office.count("Refund").await, 1, "{when}");
        let anna = office.anna().await;
        assert_eq!(anna.balance, 0, "{when}");
        assert!(!anna.is_paid(office.now()), "{when}");
    })
    .await;
}

#[tokio::test]
async fn an_assignment_that_dies_anywhere_settles_once() {
    let path = |_: &Office| "/api/admin/unassigned-payments/sandbox:stray/assign".to_owned();
    let prepared = async || {
        let office = Office::open().await;
        office.stray("stray").await;
        office
    };
    let body = json!({ "telegram_id": ANNA, "offer_key": "monthly_rub_2000" });
    dies(assign, path, body, prepared, async |office, when| {
        let anna = office.anna().await;
        assert!(anna.is_paid(office.now()), "{when}");
        assert_eq!((anna.balance, office.count("Payment").await), (500, 1), "{when}");
        assert_eq!(office.count("Attempt").await, 1, "{when}");
    })
    .await;
}

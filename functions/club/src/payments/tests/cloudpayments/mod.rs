//! CloudPayments behind the port of the providers, and its notifications.

mod deciding;
mod dying;
mod early;
mod late;
mod money;
mod orders;
mod permissions;
mod refunding;
mod returning;
mod standing;
mod unclear;

use engine::{Fault, FaultKind, Target};
use http::{HeaderMap, HeaderValue};
use shared::settings::{Environment, Secret, SettingError};

use super::*;
use crate::payments::cloudpayments::{cancel, check, fail, pay, recurrent, refund};
use crate::payments::providers::cloudpayments::Settings;
use crate::payments::providers::cloudpayments::signature::{is_genuine, sign};
use crate::testing::{CLOUD_ID, CLOUD_SECRET, CloudServer};
use shared::function::Function;

/// The known notification and its HMAC under the known secret.
const KNOWN: &str = "TransactionId=1001&Amount=2000.00&Currency=RUB&Status=Completed\
                     &AccountId=1000000001&Email=test%40example.test";
const KNOWN_HMAC: &str = "ABNk6MXYcVhCc9AhvIg0wf2CpGlQvsPbwVXkK7YSJn0=";
const FORM: &str = "application/x-www-form-urlencoded";
const KINDS: [&str; 6] = ["check", "pay", "fail", "refund", "cancel", "recurrent"];

pub(super) fn function(kind: &str) -> Function<App> {
    match kind {
        "check" => check(),
        "pay" => pay(),
        "fail" => fail(),
        "refund" => refund(),
        "cancel" => cancel(),
        _ => recurrent(),
    }
}

/// A notification, with the HMAC that is said to be its own.
fn signed(kind: &str, body: &str, hmac: &str) -> Request {
    let path = format!("/api/webhooks/cloudpayments/{kind}");
    Request::raw(&path, FORM, body).header("content-hmac", hmac)
}

/// A notification as CloudPayments sends it.
pub(super) fn notice(kind: &str, body: &str) -> Request {
    signed(kind, body, &sign(CLOUD_SECRET, body.as_bytes()))
}

/// What is told of a payment of 2000 roubles for this attempt.
pub(super) fn paid(number: u64, attempt: &str) -> String {
    format!(
        "TransactionId={number}&Amount=2000.00&Currency=RUB&Status=Completed\
         &OperationType=Payment&InvoiceId={attempt}&AccountId={PAYER}"
    )
}

/// What is told of a payment of a standing subscription, which names no order.
pub(super) fn renewed(number: u64, subscription: &str) -> String {
    format!(
        "TransactionId={number}&Amount=2000.00&Currency=RUB&Status=Completed\
         &OperationType=Payment&SubscriptionId={subscription}&AccountId={PAYER}"
    )
}

/// A shop whose members pay at CloudPayments.
pub(super) async fn till(settings: &[(&str, &str)]) -> (Shop, CloudServer) {
    let cloud = CloudServer::start().await;
    let mut all =
        vec![("CLOUDPAYMENTS_PUBLIC_ID", CLOUD_ID), ("CLOUDPAYMENTS_API_URL", cloud.url.as_str())];
    all.extend_from_slice(settings);
    (Shop::with(&all).await, cloud)
}

fn in_cloud() -> Value {
    let mut wish = monthly();
    wish["provider"] = json!("cloudpayments");
    wish
}

impl Shop {
    /// Asks for the monthly offer's link at CloudPayments and answers the attempt's id.
    pub(super) async fn cloud_linked(&self) -> String {
        let reply = self.ask(in_cloud()).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.body["attempt_id"].as_str().unwrap().to_owned()
    }

    async fn send(&self, kind: &str, request: Request) -> Reply {
        self.world.call(function(kind), request).await
    }

    /// The code that a genuine notification is answered with.
    async fn code(&self, kind: &str, body: &str) -> u64 {
        let reply = self.send(kind, notice(kind, body)).await;
        assert_eq!(reply.status, 200, "{kind} {body}: {}", reply.body);
        assert_eq!(reply.body.as_object().unwrap().len(), 1);
        reply.body["code"].as_u64().unwrap()
    }

    /// Tells of something, which is taken.
    pub(super) async fn tell(&self, kind: &str, body: &str) {
        assert_eq!(self.code(kind, body).await, 0, "{kind} {body}");
    }

    async fn reasons(&self) -> Vec<String> {
        let aside = self.world.items("UnassignedPayment").await;
        aside.iter().map(|item| item["reason"]["S"].as_str().unwrap().to_owned()).collect()
    }

    async fn events(&self, name: &str) -> usize {
        let events = self.world.items("AnalyticsEvent").await;
        events.iter().filter(|event| event["event"]["S"] == name).count()
    }
}

#[tokio::test]
async fn the_known_notification_is_taken_and_one_flipped_byte_is_not() {
    let (shop, _cloud) = till(&[]).await;
    assert_eq!(sign(CLOUD_SECRET, KNOWN.as_bytes()), KNOWN_HMAC);
    for kind in KINDS {
        for flipped in [0, 16, 30, KNOWN.len() - 1] {
            let mut body = KNOWN.as_bytes().to_vec();
            body[flipped] ^= 1;
            let body = String::from_utf8(body).unwrap();
            let reply = shop.send(kind, signed(kind, &body, KNOWN_HMAC)).await;
            assert_eq!((reply.status.as_u16(), &reply.body), (200, &json!({ "code": 13 })));
            assert_eq!(reply.headers["content-type"], "application/json");
        }
        let mut hmac = KNOWN_HMAC.to_owned();
        hmac.replace_range(0..1, "B");
        let reply = shop.send(kind, signed(kind, KNOWN, &hmac)).await;
        assert_eq!((reply.status.as_u16(), &reply.body), (200, &json!({ "code": 13 })), "{kind}");
    }
    assert_eq!(shop.count("UnassignedPayment").await + shop.count("Outbox").await, 0);
    for kind in KINDS {
        let reply = shop.send(kind, signed(kind, KNOWN, KNOWN_HMAC)).await;
        let code = if kind == "check" { 10 } else { 0 };
        assert_eq!((reply.status.as_u16(), &reply.body), (200, &json!({ "code": code })), "{kind}");
    }
    // It names no attempt.
    assert_eq!(shop.reasons().await, ["unknown_attempt"]);
}

#[tokio::test]
async fn the_other_header_counts_as_well_and_json_is_read_as_a_form_is() {
    let (shop, _cloud) = till(&[]).await;
    let (first, second) = (shop.cloud_linked().await, shop.gift_linked(77).await);
    let body = paid(1, &first) + "&Name=A%20B";
    let hmac = sign(CLOUD_SECRET, body.replace("%20", " ").as_bytes());
    let path = "/api/webhooks/cloudpayments/pay";
    let decoded = Request::raw(path, FORM, &body).header("x-content-hmac", &hmac);
    assert_eq!(shop.send("pay", decoded).await.body, json!({ "code": 0 }));
    assert_eq!(shop.status(&first).await, Status::Paid);
    let body = format!(
        r#"{{"TransactionId":2,"Amount":2000.00,"Currency":"RUB","Status":"Completed",
        "InvoiceId":"{second}","AccountId":"{PAYER}","Data":"{{\"attempt_id\":\"{second}\"}}"}}"#
    );
    let hmac = sign(CLOUD_SECRET, body.as_bytes());
    let json = Request::raw(path, "application/json", &body).header("content-hmac", &hmac);
    assert_eq!(shop.send("pay", json).await.body, json!({ "code": 0 }));
    assert_eq!((shop.status(&second).await, shop.count("Gift").await), (Status::Paid, 1));
    shop.check_invariants().await;
}

#[tokio::test]
async fn where_cloudpayments_is_not_set_up_nothing_is_its_own() {
    let shop = Shop::with(&[("CLOUDPAYMENTS_API_SECRET", "")]).await;
    for kind in KINDS {
        for secret in [CLOUD_SECRET, ""] {
            let hmac = sign(secret, KNOWN.as_bytes());
            let reply = shop.send(kind, signed(kind, KNOWN, &hmac)).await;
            assert_eq!((reply.status.as_u16(), &reply.body), (200, &json!({ "code": 13 })));
        }
        let path = format!("/api/webhooks/cloudpayments/{kind}");
        let reply = shop.send(kind, Request::raw(&path, FORM, KNOWN)).await;
        assert_eq!(reply.body, json!({ "code": 13 }));
    }
    assert_eq!(shop.count("UnassignedPayment").await, 0);
    let reply = shop.ask(in_cloud()).await;
    assert_eq!(reply.body["provider"], "sandbox", "{}", reply.body);
    // The check is by the headers alone, whatever else there is.
    let mut headers = HeaderMap::new();
    headers.insert("content-hmac", HeaderValue::from_static(KNOWN_HMAC));
    assert!(is_genuine(Some(&Secret::new(CLOUD_SECRET)), &headers, KNOWN.as_bytes()));
    assert!(!is_genuine(None, &headers, KNOWN.as_bytes()));
}

#[tokio::test]
async fn half_a_setup_starts_nothing() {
    let (shop, _cloud) = till(&[]).await;
    for function in KINDS.map(function).into_iter().chain([link(), crate::payments::check()]) {
        let started = shop.world.start_with(function, &[("CLOUDPAYMENTS_API_SECRET", "")]).await;
        let error = started.err().unwrap();
        let named = matches!(&error, SettingError::Missing(name)
            if name.starts_with("CLOUDPAYMENTS_API_SECRET"));
        assert!(named, "{error}");
    }
    let read = |stage: &str, id: &str, url: &str| {
        let variables =
            [("STAGE", stage), ("CLOUDPAYMENTS_PUBLIC_ID", id), ("CLOUDPAYMENTS_API_URL", url)];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Settings::from_environment(&variables.into_iter().collect::<Environment>())
    };
    assert_eq!(read("prod", "", "").unwrap(), None);
    for name in ["CLOUDPAYMENTS_API_SECRET", "CLOUDPAYMENTS_API_SECRET_SECRET_ID"] {
        let variables = [("STAGE", "prod"), (name, "secret")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let read = Settings::from_environment(&variables.into_iter().collect::<Environment>());
        let error = read.unwrap_err();
        let named =
            matches!(&error, SettingError::Missing(name) if name == "CLOUDPAYMENTS_PUBLIC_ID");
        assert!(named, "{error}");
    }
    assert!(read("prod", "pk_1", "").unwrap().is_some());
    assert!(read("test", "pk_1", "http://127.0.0.1:1/").unwrap().is_some());
    for (stage, id, url, named) in [
        ("prod", "pk_1", "http://api.example.com", "CLOUDPAYMENTS_API_URL"),
        ("test", "pk:1", "", "CLOUDPAYMENTS_PUBLIC_ID"),
        ("test", "pk\n1", "", "CLOUDPAYMENTS_PUBLIC_ID"),
    ] {
        let error = read(stage, id, url).unwrap_err();
        assert!(matches!(&error, SettingError::Malformed(name) if name == named), "{error}");
    }
}

#[tokio::test]
async fn what_is_genuine_and_unreadable_is_refused_and_never_our_failure() {
    let (shop, _cloud) = till(&[]).await;
    for kind in KINDS {
        for body in ["Amount=1&Amount=2", "%ff=1", "{", "{\"Amount\":}", "{\"a\":1,\"a\":2}"] {
            let reply = shop.send(kind, notice(kind, body)).await;
            let told = (reply.status.as_u16(), &reply.body["code"]);
            assert_eq!(told, (400, &json!("parse_error")), "{kind} {body}");
        }
        for body in ["", "&", "x", "{}", "{\"Amount\":{\"a\":[]},\"TransactionId\":-1}"] {
            let reply = shop.send(kind, notice(kind, body)).await;
            assert_eq!(reply.status, 200, "{kind} {body}: {}", reply.body);
            assert_eq!(reply.body["code"], if kind == "check" { 10 } else { 0 });
        }
        let large = format!("Name={}", "x".repeat(64 * 1024));
        let reply = shop.send(kind, notice(kind, &large)).await;
        assert_eq!(reply.status, 413);
    }
    assert_eq!(shop.count("Payment").await + shop.count("UnassignedPayment").await, 0);
}

#[tokio::test]
async fn only_what_is_not_genuine_counts_against_an_address() {
    let (shop, _cloud) = till(&[("RATE_WEBHOOK", "3/10")]).await;
    let id = shop.cloud_linked().await;
    for _ in 0..5 {
        shop.tell("pay", &paid(1, &id)).await;
    }
    for _ in 0..3 {
        let reply = shop.send("pay", signed("pay", KNOWN, "AA==")).await;
        assert_eq!((reply.status.as_u16(), &reply.body), (200, &json!({ "code": 13 })));
    }
    let reply = shop.send("pay", signed("pay", KNOWN, "AA==")).await;
    assert_eq!((reply.status.as_u16(), &reply.body["code"]), (429, &json!("too_many_requests")));
    shop.tell("pay", &paid(1, &id)).await;
}

#[tokio::test]
async fn what_is_not_stored_is_not_taken() {
    let (shop, _cloud) = till(&[]).await;
    let id = shop.cloud_linked().await;
    let bodies = [
        ("check", paid(1, &id)),
        ("pay", paid(1, &id)),
        ("fail", paid(1, &id)),
        ("refund", format!("TransactionId=2&PaymentTransactionId=1&Amount=1.00&InvoiceId={id}")),
        ("cancel", paid(1, &id)),
        ("recurrent", "Id=sc_1&Status=Cancelled".to_owned()),
    ];
    shop.world.engine.faults().inject(Fault::new(Target::Dynamodb, FaultKind::Error));
    for (kind, body) in &bodies {
        let reply = shop.send(kind, notice(kind, body)).await;
        assert_eq!((reply.status.as_u16(), &reply.headers["retry-after"]), (503, &json!("1")));
    }
    shop.world.engine.faults().clear();
    let fault = Fault::new(Target::Dynamodb, FaultKind::Error).operation("TransactWriteItems");
    shop.world.engine.faults().inject(fault);
    assert_eq!(shop.send("pay", notice("pay", &paid(1, &id))).await.status, 503);
    shop.world.engine.faults().clear();
    shop.tell("pay", &paid(1, &id)).await;
    assert_eq!((shop.status(&id).await, shop.payer().await.balance), (Status::Paid, 500));
    shop.check_invariants().await;
}

//! Payments by CloudPayments (§5.3, §6.4, §6.6, 18.2; acceptance 9), against a server of our own
//! that speaks as CloudPayments does.

#[path = "../../../functions/club/src/testing/cloudpayments.rs"]
#[expect(dead_code, reason = "the club's own tests look at more of it")]
pub mod server;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tests::{Call, GIFT, MONTH, Member, Table, World, at_once, hmac, local};

use crate::DAY;
use server::{API_SECRET, CloudMood, CloudServer, PUBLIC_ID};

/// The contract's published notification and its HMAC.
const KNOWN: &str = "TransactionId=1001&Amount=2000.00&Currency=RUB&Status=Completed\
                     &AccountId=1000000001&Email=test%40example.test";
const KNOWN_HMAC: &str = "ABNk6MXYcVhCc9AhvIg0wf2CpGlQvsPbwVXkK7YSJn0=";
const KINDS: [&str; 6] = ["check", "pay", "fail", "refund", "cancel", "recurrent"];

/// A world whose members pay at CloudPayments.
macro_rules! till {
    ($server:expr) => {
        local!(
            "CLOUDPAYMENTS_PUBLIC_ID" => PUBLIC_ID,
            "CLOUDPAYMENTS_API_SECRET" => API_SECRET,
            "CLOUDPAYMENTS_API_URL" => &$server.url,
        )
    };
}

/// A notification with the HMAC that is said to be its own.
fn signed(world: &World, kind: &str, body: &str, hmac: &str) -> Call {
    world
        .call("POST", &format!("/api/webhooks/cloudpayments/{kind}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("content-hmac", hmac)
        .raw(body)
}

/// A notification as CloudPayments sends it.
fn notice(world: &World, kind: &str, body: &str) -> Call {
    let mac = hmac(API_SECRET.as_bytes(), body.as_bytes());
    signed(world, kind, body, &STANDARD.encode(mac))
}

async fn code(world: &World, kind: &str, body: &str) -> Value {
    let answer = notice(world, kind, body).await.is(200).json();
    assert_eq!(answer.as_object().unwrap().len(), 1, "{answer}");
    answer["code"].clone()
}

/// Tells of something, which is taken, and waits for what follows.
async fn tell(world: &World, kind: &str, body: &str) {
    assert_eq!(code(world, kind, body).await, 0, "{kind} {body}");
    world.idle().await;
}

async fn link(member: &Member, offer: &str) -> String {
    let mut wish = member.wish(offer);
    wish["provider"] = json!("cloudpayments");
    let body = member.ask(&wish).await.ok();
    assert_eq!(body["provider"], "cloudpayments", "{body}");
    body["attempt_id"].as_str().unwrap().to_owned()
}

/// What is told of a payment of 2000 roubles.
fn paid(number: u64, attempt: &str, payer: i64) -> String {
    format!(
        "TransactionId={number}&Amount=2000.00&Currency=RUB&Status=Completed\
         &OperationType=Payment&InvoiceId={attempt}&AccountId={payer}"
    )
}

fn back(number: u64, payment: u64, amount: &str) -> String {
    format!(
        "TransactionId={number}&PaymentTransactionId={payment}&Amount={amount}&OperationType=Refund"
    )
}

async fn expires(member: &Member) -> Value {
    member.status().await["subscription_expires"].clone()
}

/// Rows of the table of [`crate::cost`]: every notification, and what it is about.
pub async fn prices(table: &mut Table) {
    let server = CloudServer::start().await;
    let world = till!(server);
    let anna = world.member(47, "Жанна").await;
    let attempt = link(&anna, MONTH).await;
    let first = paid(1, &attempt, anna.id()) + "&SubscriptionId=sc_1";
    let renewal = "TransactionId=2&Amount=2000.00&Currency=RUB&Status=Completed\
                   &OperationType=Payment&SubscriptionId=sc_1&AccountId=47";
    let failed = renewal.replace("Completed", "Declined");
    let foreign = renewal.replace("sc_1", "sc_2").replace("TransactionId=2", "TransactionId=3");
    let (over, early) = ("Id=sc_1&Status=Cancelled", "Id=sc_9&Status=Cancelled");
    for (row, kind, body) in [
        ("check, of a link", "check", &*first),
        ("pay, the first of a subscription", "pay", &first),
        ("pay, again", "pay", &first),
        ("check, of a renewal", "check", renewal),
        ("pay, renews", "pay", renewal),
        ("pay, puts aside", "pay", &foreign),
        ("fail, of a renewal", "fail", &failed),
        ("cancel", "cancel", &first),
        ("refund, a part", "refund", &back(8, 1, "500.00")),
        ("refund, the newest", "refund", &back(9, 2, "2000.00")),
        ("recurrent, the end", "recurrent", over),
        ("recurrent, the end again", "recurrent", over),
        ("recurrent, an early end", "recurrent", early),
    ] {
        let told = notice(&world, kind, body).await;
        let cost = table.http(&format!("webhooks/cloudpayments/{row}"), &told);
        assert!(cost.requests <= 6 && cost.items <= 10, "{row}: {cost:?}");
        world.idle().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a09_the_known_notification_is_taken_and_one_flipped_byte_is_not() {
    let server = CloudServer::start().await;
    let world = till!(server);
    for kind in KINDS {
        for at in [0, KNOWN.len() / 2, KNOWN.len() - 1] {
            let mut body = KNOWN.as_bytes().to_vec();
            body[at] ^= 1;
            let body = String::from_utf8(body).unwrap();
            let answer = signed(&world, kind, &body, KNOWN_HMAC).await;
            assert_eq!(answer.is(200).json(), json!({"code": 13}), "{kind}");
        }
        let path = format!("/api/webhooks/cloudpayments/{kind}");
        let unsigned = world.call("POST", &path).raw(KNOWN).await;
        assert_eq!(unsigned.is(200).json(), json!({"code": 13}), "{kind}");
        let answer = signed(&world, kind, KNOWN, KNOWN_HMAC).await;
        let code = if kind == "check" { 10 } else { 0 };
        assert_eq!(answer.is(200).json(), json!({"code": code}), "{kind}");
    }
    // Where it is not set up, nothing is its own.
    let world = local!();
    for kind in KINDS {
        for hmac in [KNOWN_HMAC, ""] {
            let answer = signed(&world, kind, KNOWN, hmac).await;
            assert_eq!(answer.is(200).json(), json!({"code": 13}), "{kind}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a09_check_says_what_is_wrong() {
    let server = CloudServer::start().await;
    let world = till!(server);
    let anna = world.member(42, "Анна").await;
    let attempt = link(&anna, MONTH).await;
    let good = paid(1, &attempt, anna.id());
    assert_eq!(code(&world, "check", &good).await, 0);
    for (from, to, expected) in [
        (attempt.as_str(), "att_01KFD5J3Z0ABCDEFGHJKMNPQRS", 10),
        (attempt.as_str(), "1", 10),
        ("AccountId=", "AccountId=7", 11),
        ("2000.00", "1999.99", 12),
        ("RUB", "USD", 12),
    ] {
        let body = good.replace(from, to);
        assert_eq!(code(&world, "check", &body).await, expected, "{body}");
    }
    assert_eq!(anna.attempt_status(&attempt).await, "pending");
    tell(&world, "pay", &good).await;
    assert_eq!(code(&world, "check", &paid(2, &attempt, anna.id())).await, 13, "paid already");
    let gift = link(&anna, GIFT).await;
    world.advance(DAY).await;
    assert_eq!(code(&world, "check", &paid(3, &gift, anna.id())).await, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a09_an_order_carries_the_attempt_and_its_money_settles_once() {
    let server = CloudServer::start().await;
    let world = till!(server);
    let anna = world.member(42, "Анна").await;
    let attempt = link(&anna, MONTH).await;
    let made = server.called("orders/create");
    assert_eq!((made.len(), made[0].request_id.as_deref()), (1, Some(attempt.as_str())));
    assert!(made[0].body.contains("\"Amount\":2000.00"), "{}", made[0].body);
    let order = made[0].json();
    assert_eq!(
        (&order["InvoiceId"], &order["AccountId"]),
        (&json!(attempt), &json!(anna.id().to_string()))
    );
    assert_eq!(order["SubscriptionBehavior"], "CreateMonthly");
    let body = paid(1, &attempt, anna.id());
    for answer in at_once(50, |_| notice(&world, "pay", &body)).await {
        assert_eq!(answer.is(200).json(), json!({"code": 0}));
    }
    world.idle().await;
    assert_eq!(anna.attempt_status(&attempt).await, "paid");
    assert_eq!(expires(&anna).await, "2026-02-19T12:00:00.000Z");
    assert_eq!((anna.balance().await, anna.history().await.len()), (500, 1));
    assert_eq!(anna.messages().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a09_money_that_disagrees_gives_nothing() {
    let server = CloudServer::start().await;
    let world = till!(server);
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    let attempt = link(&anna, MONTH).await;
    let before = anna.everything().await;
    let good = paid(1, &attempt, anna.id());
    for (n, body) in [
        good.replace("2000.00", "1.00"),
        good.replace("RUB", "USD"),
        paid(1, &attempt, boris.id()),
        paid(1, "att_01KFD5J3Z0ABCDEFGHJKMNPQRS", anna.id()),
        good.replace("Completed", "Authorized"),
    ]
    .into_iter()
    .enumerate()
    {
        let body = body.replace("TransactionId=1", &format!("TransactionId=1{n}"));
        tell(&world, "pay", &format!("{body}&Email=member{}%40example.com", anna.id())).await;
    }
    assert_eq!(anna.everything().await, before);
    assert_eq!((boris.balance().await, expires(&boris).await), (0, Value::Null));
    tell(&world, "pay", &good).await;
    assert_eq!(anna.balance().await, 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a09_a_refund_reverses_exactly_its_payment() {
    let server = CloudServer::start().await;
    let world = till!(server);
    let anna = world.member(42, "Анна").await;
    let attempt = link(&anna, MONTH).await;
    // A refund that is faster than its payment is told again.
    notice(&world, "refund", &back(9, 1, "2000.00")).await.is(503);
    tell(&world, "pay", &(paid(1, &attempt, anna.id()) + "&SubscriptionId=sc_1")).await;
    let renewal = paid(2, "", anna.id()) + "&SubscriptionId=sc_1";
    tell(&world, "pay", &renewal).await;
    assert_eq!(expires(&anna).await, "2026-03-21T12:00:00.000Z");
    let body = back(9, 1, "2000.00");
    for answer in at_once(10, |_| notice(&world, "refund", &body)).await {
        assert_eq!(answer.is(200).json(), json!({"code": 0}));
    }
    world.idle().await;
    assert_eq!(
        (expires(&anna).await, anna.balance().await),
        (json!("2026-02-19T12:00:00.000Z"), 500)
    );
    // Of the other, two halves.
    tell(&world, "refund", &back(10, 2, "1000.00")).await;
    assert_eq!(anna.balance().await, 250);
    tell(&world, "refund", &back(11, 2, "1000.00")).await;
    assert_eq!((anna.balance().await, anna.status().await["isPro"].clone()), (0, json!(false)));
    assert_eq!(anna.attempt_status(&attempt).await, "refunded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a09_a_subscription_that_is_rejected_keeps_the_paid_time() {
    let server = CloudServer::start().await;
    let world = till!(server);
    let anna = world.member(42, "Анна").await;
    let attempt = link(&anna, MONTH).await;
    let first = paid(1, &attempt, anna.id());
    let failed = first.replace("Status=Completed", "Reason=InsufficientFunds&ReasonCode=5051");
    tell(&world, "fail", &failed).await;
    assert_eq!(anna.attempt_status(&attempt).await, "pending", "it can be paid again");
    tell(&world, "pay", &(first + "&SubscriptionId=sc_1")).await;
    let until = expires(&anna).await;
    assert_eq!(anna.status().await["auto_renewal"], true);
    tell(&world, "recurrent", "Id=sc_1&Status=PastDue&FailedTransactionsNumber=1").await;
    assert_eq!(anna.status().await["auto_renewal"], true);
    for _ in 0..2 {
        tell(&world, "recurrent", "Id=sc_1&Status=Rejected&FailedTransactionsNumber=3").await;
        assert_eq!((expires(&anna).await, anna.balance().await), (until.clone(), 500));
        assert_eq!(anna.status().await["auto_renewal"], false);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a09_a_lost_word_is_healed_by_a_check_and_later_by_the_sweep() {
    let server = CloudServer::start().await;
    let world = till!(server);
    let anna = world.member(42, "Анна").await;
    let attempt = link(&anna, MONTH).await;
    let gift = link(&anna, GIFT).await;
    server.feel(CloudMood::Refusing(500));
    world.advance(30).await;
    server.feel(CloudMood::Fine);
    let account = anna.id().to_string();
    let number = server.books().add(&json!({"InvoiceId": attempt, "AccountId": account}));
    world.advance(30).await;
    assert_eq!(anna.attempt_status(&attempt).await, "paid");
    assert_eq!((anna.balance().await, anna.messages().await.len()), (500, 1));
    tell(&world, "pay", &paid(number, &attempt, anna.id())).await;
    assert_eq!((anna.balance().await, anna.messages().await.len()), (500, 1));
    world.advance(300).await;
    assert_eq!(anna.attempt_status(&gift).await, "abandoned");
    server.books().add(&json!({"InvoiceId": gift, "AccountId": account}));
    world.advance(DAY / 12).await;
    let anna = anna.user.sign_in().await;
    assert_eq!(anna.attempt_status(&gift).await, "paid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a09_a_provider_that_is_out_makes_no_link() {
    let server = CloudServer::start().await;
    let world = till!(server);
    let anna = world.member(42, "Анна").await;
    let mut wish = anna.wish(MONTH);
    wish["provider"] = json!("cloudpayments");
    for mood in [CloudMood::Refusing(500), CloudMood::Refusing(401), CloudMood::SayingNo] {
        server.feel(mood);
        anna.ask(&wish).await.problem(502, "provider_error");
    }
    server.feel(CloudMood::GarblingOnce);
    let orders = server.books().orders;
    anna.ask(&wish).await.ok();
    assert_eq!(server.books().orders, orders + 1, "what was lost is read, not made again");
}

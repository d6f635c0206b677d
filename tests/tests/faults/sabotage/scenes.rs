//! The scenes, each for one guarantee.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::stage::{Guarantee, Made, Spot, clear, hold, meet};
use crate::bench::{Bench, Reply};
use crate::invariants::{forgotten, nameless, unsettled, violations};
use crate::walks::ANNA;

const TRANSACTION: &str = "TransactWriteItems";

fn anybody(operation: &'static str, about: &'static str) -> Spot {
    Spot { function: None, operation, about }
}

/// Two deliveries at the same instant, each on a thread of its own.
async fn deliver_both(bench: &Arc<Bench>, attempts: [&str; 2]) {
    let deliveries = attempts.map(|attempt| {
        let (bench, attempt) = (bench.clone(), attempt.to_owned());
        tokio::spawn(async move { bench.deliver(&attempt).await })
    });
    for delivery in deliveries {
        delivery.await.unwrap();
    }
    clear(bench);
}

/// One success is delivered twice at once.
pub async fn a_payment_is_new(guarantee: Guarantee) -> Vec<String> {
    let bench = Arc::new(Bench::start().await);
    bench.sign_in(ANNA).await;
    let attempt = bench.link(ANNA).await;
    let everywhere = &["PAYMENT#", "ATTEMPT#", "MEMBER#", "OPEN#", "OUTBOX#", "EVENTS#"];
    let spot = anybody(TRANSACTION, "PAYMENT#");
    meet(&bench, guarantee, Made::ByConditions(everywhere), spot, 2);
    deliver_both(&bench, [&attempt, &attempt]).await;
    violations(&bench).await
}

/// Two payments of one member are settled at once.
pub async fn a_members_version_counts(guarantee: Guarantee) -> Vec<String> {
    let bench = Arc::new(Bench::start().await);
    bench.sign_in(ANNA).await;
    let first = bench.link(ANNA).await;
    bench.provider_says(&first, "unpaid").await;
    for _ in 0..12 {
        bench.advance(30).await;
    }
    let second = bench.link(ANNA).await;
    assert_ne!(first, second);
    let spot = anybody(TRANSACTION, "MEMBER#");
    meet(&bench, guarantee, Made::ByConditions(&["MEMBER#"]), spot, 2);
    deliver_both(&bench, [&first, &second]).await;
    violations(&bench).await
}

/// Two hints of one message are handled at once.
pub async fn a_message_is_claimed_once(guarantee: Guarantee) -> Vec<String> {
    let bench = Arc::new(Bench::start().await);
    bench.sign_in(ANNA).await;
    let attempt = bench.link(ANNA).await;
    let spot = anybody("UpdateItem", "OUTBOX#");
    meet(&bench, guarantee, Made::ByConditions(&["OUTBOX#"]), spot, 2);
    let body = json!({ "outbox_id": format!("payment_not_completed:{attempt}") }).to_string();
    let event = json!({ "Records": [{
        "messageId": "m", "receiptHandle": "r", "body": body,
        "attributes": { "ApproximateReceiveCount": "1" }, "messageAttributes": {},
        "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:0:outbox",
        "awsRegion": "us-east-1", "md5OfBody": "",
    }] });
    // A row that is told as it is: that of a success stands for others.
    let secret = bench.secret("SANDBOX_SECRET");
    let headers = [("x-sandbox-secret", secret.as_str())];
    let failed = json!({ "attempt_id": attempt, "event": "fail" });
    bench.insist("POST", "/api/webhooks/sandbox/payment", &headers, &failed).await;
    let hints = [event.clone(), event].map(|event| {
        let bench = bench.clone();
        tokio::spawn(async move { bench.stack.invoke("club-outbox-deliver", &event).await })
    });
    for hint in hints {
        let _ = hint.await.unwrap();
    }
    clear(&bench);
    bench.advance(60).await;
    let mut wrong = violations(&bench).await;
    let sent = bench.messages(ANNA).await.len();
    wrong.extend((sent != 1).then(|| format!("{sent} messages instead of one")));
    wrong
}

/// Twelve calls where ten are allowed.
pub async fn a_bucket_has_a_bottom(guarantee: Guarantee) -> Vec<String> {
    let bench = Bench::start_with(|options| options.set("RATE_PAYMENT", "10/60")).await;
    bench.sign_in(ANNA).await;
    meet(&bench, guarantee, Made::ByConditions(&["LIMIT#"]), anybody("UpdateItem", "LIMIT#"), 1);
    let launch = bench.launch(ANNA);
    let mut passed = 0;
    for _ in 0..12 {
        let headers = [("authorization", launch.as_str())];
        let reply = bench.send("POST", "/api/payments/generate-link", &headers, &json!({})).await;
        passed += usize::from(reply.status != 429);
    }
    let mut wrong = violations(&bench).await;
    wrong.extend((passed != 10).then(|| format!("{passed} passed a limit of ten")));
    wrong
}

/// A job is paused where it is about to write, until its lease is over, others have done its work,
/// and `meanwhile` has happened. Answers what it changes all the same: nobody may who was overtaken.
async fn overtaken(
    bench: Bench,
    guarantee: Guarantee,
    function: &'static str,
    meanwhile: impl AsyncFnOnce(&Bench),
) -> Vec<String> {
    let bench = Arc::new(bench);
    let spot = Spot { function: Some(function), operation: TRANSACTION, about: "LEASE#" };
    let held = hold(&bench, guarantee, Made::ByEntries(&["LEASE#"]), spot);
    let slow = {
        let (bench, event) = (bench.clone(), json!({ "time": bench.stack.clock().now() }));
        tokio::spawn(async move { bench.stack.invoke(function, &event).await })
    };
    held.came().await;
    let tokens = leases(&bench).await;
    bench.advance(3_600).await;
    assert!(leases(&bench).await > tokens, "others have taken the lease");
    meanwhile(&bench).await;
    let before = bench.items().await;
    held.free();
    let _ = slow.await.unwrap();
    clear(&bench);
    let after = bench.items().await;
    let new = after.iter().filter(|item| !before.contains(item));
    let mut wrong: Vec<_> =
        new.map(|item| format!("{} wrote {} after its lease", function, item["pk"])).collect();
    if after.len() < before.len() {
        wrong.push(format!("{function} deleted what others had made"));
    }
    wrong.extend(violations(&bench).await);
    wrong
}

/// How often leases were taken.
async fn leases(bench: &Bench) -> i64 {
    let token = |item: &Map<String, Value>| {
        item["pk"].as_str()?.strip_prefix("LEASE#")?;
        item.get("token")?.as_i64()
    };
    bench.items().await.iter().filter_map(token).sum()
}

/// Two sweeps look after an attempt that has failed: what the first was about to say of its next
/// turn is over by now.
pub async fn a_sweep_is_fenced(guarantee: Guarantee) -> Vec<String> {
    let bench = Bench::start().await;
    bench.provider_fails(true).await;
    let launch = bench.launch(ANNA);
    let headers = [("authorization", launch.as_str())];
    let refused =
        bench.send("POST", "/api/payments/generate-link", &headers, &monthly("a@b.test")).await;
    assert_eq!(refused.status, 502, "{}", refused.body);
    bench.provider_fails(false).await;
    // Due since half a minute; the schedule's own sweep was a quarter of a minute too early.
    bench.advance(15 * 60 + 30).await;
    overtaken(bench, guarantee, "club-payments-sweep", async |_| {}).await
}

/// Two publishers.
pub async fn a_publisher_is_fenced(guarantee: Guarantee) -> Vec<String> {
    let bench = Bench::start().await;
    bench.sign_in(ANNA).await;
    let attempt = bench.link(ANNA).await;
    bench.deliver(&attempt).await;
    bench.advance(30).await;
    overtaken(bench, guarantee, "club-ratings-publish", async |_| {}).await
}

/// Two audits: the second has no time left and keeps its place, which the first would lose.
pub async fn an_audit_is_fenced(guarantee: Guarantee) -> Vec<String> {
    let bench = Bench::start().await;
    bench.sign_in(ANNA).await;
    let keep = async |bench: &Bench, shard: &str| {
        let place = json!({
            "pk": { "S": "JOB#energies_audit" }, "sk": { "S": "PLACE" },
            "kind": { "S": "AuditPlace" }, "shard": { "N": shard },
        });
        bench.put(&place).await;
    };
    keep(&bench, "1").await;
    let meanwhile = async |bench: &Bench| keep(bench, "2").await;
    overtaken(bench, guarantee, "club-energies-audit", meanwhile).await
}

fn monthly(email: &str) -> Value {
    json!({ "telegram_id": ANNA, "email": email, "offer_key": "monthly_rub_2000" })
}

impl Bench {
    async fn link_under(&self, key: &str, body: &Value) -> Reply {
        let launch = self.launch(ANNA);
        let headers = [("authorization", launch.as_str()), ("idempotency-key", key)];
        self.insist("POST", "/api/payments/generate-link", &headers, body).await
    }

    async fn refresh(&self, token: &str) -> Result<String, u16> {
        let body = json!({ "refreshToken": token });
        let reply = self.insist("POST", "/api/v1/auth/refresh", &[], &body).await;
        let token = reply.body["refreshToken"].as_str().map(str::to_owned);
        token.ok_or(reply.status)
    }
}

/// Two wishes of different terms, which nothing else keeps apart, come under one key at once.
pub async fn a_key_is_free(guarantee: Guarantee) -> Vec<String> {
    let bench = Arc::new(Bench::start().await);
    bench.sign_in(ANNA).await;
    let spot = anybody(TRANSACTION, "IDEMPOTENCY#");
    meet(&bench, guarantee, Made::ByConditions(&["IDEMPOTENCY#"]), spot, 2);
    let mut gift = monthly("anna@example.test");
    gift["offer_key"] = json!("gift_rub_2000");
    let calls = [monthly("anna@example.test"), gift].map(|body| {
        let bench = bench.clone();
        tokio::spawn(async move { bench.link_under("one", &body).await.status })
    });
    let mut statuses = Vec::new();
    for call in calls {
        statuses.push(call.await.unwrap());
    }
    clear(&bench);
    statuses.sort_unstable();
    let mut wrong = violations(&bench).await;
    wrong.extend(nameless(&bench).await);
    wrong.extend((statuses != [200, 422]).then(|| format!("one key was answered {statuses:?}")));
    wrong
}

/// A call comes again under its key when its link is paid.
pub async fn a_key_is_written_down(guarantee: Guarantee) -> Vec<String> {
    let bench = Bench::start().await;
    bench.sign_in(ANNA).await;
    let spot = anybody(TRANSACTION, "IDEMPOTENCY#");
    meet(&bench, guarantee, Made::ByEntries(&["IDEMPOTENCY#"]), spot, 1);
    let first = bench.link_under("one", &monthly("anna@example.test")).await.body;
    bench.deliver(first["attempt_id"].as_str().expect("an attempt")).await;
    let again = bench.link_under("one", &monthly("anna@example.test")).await.body;
    clear(&bench);
    let mut wrong = violations(&bench).await;
    wrong.extend(nameless(&bench).await);
    wrong.extend((first != again).then(|| format!("one key was answered {first} and {again}")));
    wrong
}

/// A refresh is paused where it is about to rotate, while two others go on from the same token.
pub async fn a_token_rotates_once(guarantee: Guarantee) -> Vec<String> {
    let bench = Arc::new(Bench::start().await);
    let signed_in = bench.sign_in(ANNA).await.body;
    let first = signed_in["refreshToken"].as_str().expect("a token").to_owned();
    let spot = anybody("UpdateItem", "FAMILY#");
    let held = hold(&bench, guarantee, Made::ByConditions(&["FAMILY#"]), spot);
    let slow = {
        let (bench, token) = (bench.clone(), first.clone());
        tokio::spawn(async move { bench.refresh(&token).await })
    };
    held.came().await;
    let second = bench.refresh(&first).await.expect("the second token");
    let third = bench.refresh(&second).await.expect("the third token");
    held.free();
    assert_eq!(slow.await.unwrap(), Ok(second), "the same token has the same successor");
    clear(&bench);
    let mut wrong = violations(&bench).await;
    wrong.extend(forgotten(&bench, &third).await);
    // Beyond the grace the first token is a stolen one.
    bench.advance(31).await;
    let reused = bench.refresh(&first).await;
    wrong.extend((reused != Err(401)).then(|| "a stolen token was taken".to_owned()));
    wrong
}

/// One change of a member is delivered twice at once.
pub async fn a_contributions_revision_counts(guarantee: Guarantee) -> Vec<String> {
    let function = "club-ratings-aggregate";
    let bench = Bench::start().await;
    bench.sign_in(ANNA).await;
    let city = |city: &str| json!({ "city": city });
    bench.as_member(ANNA, "PATCH", "/api/v1/users/me", &city("Москва")).await;
    let attempt = bench.link(ANNA).await;
    bench.deliver(&attempt).await;
    bench.advance(30).await;
    let spot = Spot { function: Some(function), operation: TRANSACTION, about: "RATING#" };
    meet(&bench, guarantee, Made::ByConditions(&["RATING#"]), spot, 2);
    bench.as_member(ANNA, "PATCH", "/api/v1/users/me", &city("Тверь")).await;
    let images = bench.images().await;
    let member = images.iter().find(|image| image["kind"]["S"] == "Member").expect("a member");
    let event = json!({ "Records": [{
        "eventID": "1", "eventName": "MODIFY", "eventSource": "aws:dynamodb", "eventVersion": "1.1",
        "awsRegion": "us-east-1", "eventSourceARN": "arn:aws:dynamodb:us-east-1:0:table/t/stream/s",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_768_900_000, "SequenceNumber": "1", "SizeBytes": 1,
            "StreamViewType": "NEW_AND_OLD_IMAGES", "NewImage": member,
            "Keys": { "pk": member["pk"], "sk": member["sk"] },
        },
    }] });
    bench.stack.invoke(function, &event).await.expect("the change is taken");
    clear(&bench);
    bench.advance(60).await;
    let mut wrong = violations(&bench).await;
    wrong.extend(unsettled(&bench).await);
    wrong
}

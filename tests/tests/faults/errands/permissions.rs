//! Least privilege, both ways, by everything that the functions of errands do.

use engine::{CrashMode, CrashPlan, Fault, FaultKind, Target};
use serde_json::{Value, json};
use shared::function::Access;

use super::people::{CLIENT, EXECUTORS, Job, SUBSCRIBER};
use super::walks::{
    RELAYED, answered, audited, first_sight, invoices, pretended, unanswered, untold,
};
use crate::bench::Bench;
use crate::permissions::{Permissions, differences, used};

/// Allowed and not seen here: paths that a whole run of the system does not take.
const RARE: [(&str, &str); 2] = [
    // An audit that runs out of time keeps its place; the capability's own tests cut one short.
    ("errands-audit", "dynamodb:PutItem"),
    ("errands-audit", "dynamodb:ConditionCheckItem"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_allow_what_is_done_and_nothing_else() {
    let mut done = Permissions::new();
    for walk in 0..7 {
        let bench = Bench::errands().await;
        match walk {
            0 => answered(&bench).await,
            1 => unanswered(&bench).await,
            2 => untold(&bench).await,
            3 => invoices(&bench).await,
            4 => pretended(&bench).await,
            5 => audited(&bench).await,
            _ => first_sight(&bench).await,
        };
        bench.converge().await;
        used(&bench, &mut done);
    }
    let bench = Bench::errands().await;
    everybody_calls(&bench).await;
    everything_is_listed(&bench).await;
    counters_are_wrong(&bench).await;
    used(&bench, &mut done);
    let bench = Bench::errands().await;
    what_is_due_is_met(&bench).await;
    used(&bench, &mut done);
    let bench = Bench::errands().await;
    what_goes_wrong(&bench).await;
    used(&bench, &mut done);
    let wrong = differences("errands", done, &RARE);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every endpoint is called by somebody new, and by the same under another name.
async fn everybody_calls(bench: &Bench) {
    let functions = errands::functions();
    let endpoints = functions.iter().filter_map(|function| function.declaration().endpoint());
    for (id, endpoint) in (7_001..).zip(endpoints) {
        let path = endpoint.path.replace("{id}", "AAAAAAAAAAAA").replace("{payment_id}", "42");
        let open = matches!(endpoint.access, Access::User | Access::Visitor(_));
        for name in ["Анна", "Мария"] {
            let launch = bench.launch_as(id, name);
            let credential = [("authorization", launch.as_str())];
            let typed = ("content-type", "application/json");
            let headers = [&[typed][..], if open { &credential } else { &[] }].concat();
            bench.send(endpoint.method.as_str(), &path, &headers, &json!({})).await;
            bench.advance(5).await;
        }
    }
}

/// Every list with every filter, from the first page on and from a later one.
async fn everything_is_listed(bench: &Bench) {
    bench.recharge(EXECUTORS[0], 10, "recharge").await;
    let job = |contact| Job { category: "Другое", contact };
    for contact in ["@anna_one", "@anna_two"] {
        let order = bench.post(&job(contact), contact).await;
        bench.take(EXECUTORS[0], &order).await;
        bench.act(&order, "complete").await;
        let review = json!({ "order_id": order, "rating": 5 });
        bench.once(CLIENT, "/api/reviews/client", contact, &review).await;
        bench.again(CLIENT, "GET", &format!("/api/orders/{order}"), &Value::Null).await;
        let check = format!("/api/reviews/check?order_id={order}");
        bench.again(CLIENT, "GET", &check, &Value::Null).await;
    }
    bench.advance(5).await;
    let filters = ["", "&city=Москва", "&category=Другое", "&city=Москва&category=Другое"];
    let orders = filters.map(|filter| format!("/api/orders?status=completed&limit=1{filter}"));
    let own = ["mine", "taken_by_me"].map(|own| format!("/api/orders?limit=1&{own}=true"));
    let own_by = ["mine", "taken_by_me"]
        .map(|own| format!("/api/orders?limit=1&status=completed&{own}=true"));
    let reviews = ["", "&rating=5", "&about_me=true", "&by_me=true"];
    let rated = ["&about_me=true&rating=5", "&by_me=true&rating=5"];
    let reviews =
        reviews.iter().chain(&rated).map(|filter| format!("/api/reviews?limit=1{filter}"));
    let ledger =
        ["", "&type=recharge"].map(|filter| format!("/api/balance/transactions?limit=1{filter}"));
    let all = orders.into_iter().chain(own).chain(own_by).chain(reviews).chain(ledger);
    for path in all {
        for id in [CLIENT, EXECUTORS[0]] {
            let reply = bench.again(id, "GET", &path, &Value::Null).await;
            let next = reply.body["next_cursor"].as_str().map(str::to_owned);
            if let Some(cursor) = next.or_else(|| reply.headers.get("x-next-cursor").cloned()) {
                bench.again(id, "GET", &format!("{path}&cursor={cursor}"), &Value::Null).await;
            }
        }
    }
}

/// Every counter of every feed is wrong, and the audit looks what is in the feeds.
async fn counters_are_wrong(bench: &Bench) {
    for mut image in bench.images().await {
        if image["kind"]["S"] == "FeedCounter" {
            image["count"] = json!({ "N": "7" });
            bench.put(&image).await;
        }
    }
    bench.pass(86_400).await;
}

/// Orders that the clock has ended, and nobody has written it down: whoever comes first does.
async fn what_is_due_is_met(bench: &Bench) {
    let faults = bench.stack.engine().faults();
    let blind = Fault::new(Target::Dynamodb, FaultKind::IndexLag);
    faults.inject(blind.caller("local-errands-orders-sweep"));
    let lost = Fault::new(Target::Sqs, FaultKind::MessageLost);
    faults.inject(lost.caller("local-errands-events-relay"));
    let [executor, other] = EXECUTORS;
    for executor in EXECUTORS {
        bench.recharge(executor, 100, &format!("recharge-{executor}")).await;
    }
    let contacts = [
        "@order_one",
        "@order_two",
        "@order_three",
        "@order_four",
        "@order_five",
        "@order_six",
        "@order_seven",
        "@order_eight",
        "@order_nine",
    ];
    let mut orders = Vec::new();
    for contact in contacts {
        let order = bench.post(&Job { category: "Другое", contact }, contact).await;
        bench.take(executor, &order).await;
        orders.push(order);
    }
    let free = bench.post(&Job { category: "Другое", contact: "@order_free" }, "free").await;
    bench.pass(960).await;
    let typed = ("content-type", "application/json");
    let send = async |id: i64, method: &str, path: &str, body: &Value| {
        let launch = bench.launch(id);
        bench.send(method, path, &[typed, ("authorization", &launch)], body).await
    };
    let path = |index: usize, act: &str| format!("/api/orders/{}{act}", orders[index]);
    send(CLIENT, "PUT", &path(0, ""), &json!({ "category": "Клининг" })).await;
    send(CLIENT, "DELETE", &path(1, ""), &Value::Null).await;
    send(other, "POST", &path(2, "/take"), &Value::Null).await;
    for (index, act) in [(3, "/respond"), (4, "/complete"), (5, "/close")] {
        let reply = send(CLIENT, "POST", &path(index, act), &Value::Null).await;
        assert_eq!(reply.status, 410, "{}", reply.body);
    }
    let said = |index: usize, more: Value| {
        let mut body = json!({ "order_id": orders[index] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    send(CLIENT, "POST", "/api/reviews/client", &said(6, json!({ "rating": 5 }))).await;
    let complaint = said(7, json!({ "complaint": "Другое" }));
    send(executor, "POST", "/api/reviews/executor", &complaint).await;
    let reply = bench.post(&Job { category: "Другое", contact: contacts[8] }, "way").await;
    assert!(!reply.is_empty(), "the contact is free by the clock");
    // A change of the contact moves the lock; to a contact that is locked by what is due, it does
    // what a new order does.
    let change = json!({ "contact": contacts[2] });
    send(CLIENT, "PUT", &format!("/api/orders/{free}"), &change).await;
}

/// What is lost or comes too early.
async fn what_goes_wrong(bench: &Bench) {
    bench.subscribe(SUBSCRIBER).await;
    // More subscribers than one page has; nobody knows them, so that nobody is told.
    for id in 8_001..8_060 {
        let row = json!({
            "pk": { "S": "SUB#москва#Клининг" }, "sk": { "S": format!("USER#{id}") },
            "kind": { "S": "Subscription" }, "city_key": { "S": "москва" },
            "category": { "S": "Клининг" }, "user_id": { "N": id.to_string() },
        });
        bench.put(&row).await;
    }
    // Before the hourly reconciliation, which would find payments, too.
    bench.pass(240).await;
    what_nobody_was_told_of(bench).await;
    // A deadline that is hinted at too early is hinted at again.
    bench.recharge(EXECUTORS[0], 10, "recharge").await;
    let order = bench.post(&Job { category: "Клининг", contact: "@anna_one" }, "one").await;
    bench.take(EXECUTORS[0], &order).await;
    bench.advance(1).await;
    let other = bench.post(&Job { category: "Клининг", contact: "@anna_two" }, "two").await;
    bench.advance(1).await;
    for (function, queue, body) in [
        ("errands-orders-deadline", "deadlines", json!({ "order_id": order, "v": 1 })),
        ("errands-notify-digest", "digests", json!({ "user_id": SUBSCRIBER, "v": 1 })),
    ] {
        let record = json!({
            "messageId": "m", "receiptHandle": "r", "body": body.to_string(),
            "attributes": { "ApproximateReceiveCount": "1" }, "messageAttributes": {},
            "eventSource": "aws:sqs", "awsRegion": "us-east-1", "md5OfBody": "",
            "eventSourceARN": format!("arn:aws:sqs:us-east-1:0:{queue}"),
        });
        let event = json!({ "Records": [record] });
        bench.stack.invoke(function, &event).await.expect("it runs");
    }
    // Another frequency moves the digest that waits.
    let settings = json!({ "enabled": true, "frequency": 5 });
    bench.again(SUBSCRIBER, "PUT", "/api/users/me/notification-settings", &settings).await;
    bench.advance(1).await;
    let settings = json!({ "enabled": false });
    bench.again(SUBSCRIBER, "PUT", "/api/users/me/notification-settings", &settings).await;
    assert!(!other.is_empty());
    bench.converge().await;
}

/// Changes of the store that are given up, and hints that get lost: the sweeps find an order that
/// was made, and payments that were paid, or not.
async fn what_nobody_was_told_of(bench: &Bench) {
    let faults = bench.stack.engine().faults();
    let relay = "local-errands-events-relay";
    for _ in 0..RELAYED {
        let caller = Some(relay.to_owned());
        faults.crash(CrashPlan { caller, at: 0, mode: CrashMode::Before });
    }
    bench.post(&Job { category: "Клининг", contact: "@anna_untold" }, "untold").await;
    let lost = Fault::new(Target::Sqs, FaultKind::MessageLost);
    faults.inject(lost.caller("local-errands-payments-create"));
    let paid = bench.invoice(CLIENT, 10, "crypto_bot").await;
    bench.invoice(CLIENT, 20, "crypto_bot").await;
    bench.pays(CLIENT, paid, false).await;
    bench.pass(120).await;
    faults.clear();
}

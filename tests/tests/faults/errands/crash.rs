//! Every crash point of errands: each function dies before, after, and with a lost answer at each
//! of its calls to the store and the queues; everybody tries again as they would; then everything
//! must hold that always holds, everything must have come to rest, and the walk must have come to
//! what it comes to without a crash.

use std::collections::{BTreeMap, BTreeSet};

use super::invariants::{number, of, text, unsettled, violations};
use super::walks::{
    Outcome, answered, audited, first_sight, invoices, pretended, unanswered, untold,
};
use crate::bench::Bench;
use crate::points::{self, Tried};

/// Those whose messages may be said twice: who sends is alone in knowing that it has sent.
const SENDERS: [&str; 2] = ["errands-notify-send", "errands-telegram-webhook"];

async fn bench() -> Bench {
    // Pace has tests of its own, and would only make everybody wait.
    Bench::of("errands", |options| {
        options
            .set("TELEGRAM_MSGS_PER_SECOND", "1000")
            .set("TELEGRAM_MSGS_PER_CHAT_PER_SECOND", "1000")
            .set("PAYMENT_CHECK_ATTEMPTS", "2")
    })
    .await
}

/// Runs `walk` once to count calls, then once for each call of each of `functions` and each mode.
async fn every_point(title: &str, functions: &[&str], walk: impl AsyncFn(&Bench) -> Outcome) {
    let calm = bench().await;
    calm.stack.engine().faults().reset_counts();
    let outcome = walk(&calm).await;
    rest(&calm).await;
    assert_eq!(everything(&calm, &outcome, None).await, Vec::<String>::new(), "without a crash");
    let mut points = Vec::new();
    for function in functions {
        let worth = worth_trying(&calm, function);
        assert!(!worth.is_empty(), "{function} has nothing to do in this walk");
        points.extend(points::each_mode(function, worth));
    }
    points::try_all(&format!("errands {title}"), &points, async |point| {
        let bench = bench().await;
        bench.kill(point);
        let outcome = walk(&bench).await;
        rest(&bench).await;
        let struck = bench.killed() - outcome.deaths;
        Tried { struck, wrong: everything(&bench, &outcome, Some(&point.function)).await }
    })
    .await;
}

/// Lets every redelivery and sweep of the next hours happen.
async fn rest(bench: &Bench) {
    for seconds in [300, 4_500] {
        bench.pass(seconds).await;
    }
}

/// Those that do the same for many, in so many calls each: some of the many stand for all.
const MANY: [(&str, usize); 6] = [
    ("errands-notify-send", 4),
    ("errands-audit", 4),
    ("errands-outbox-sweep", 3),
    ("errands-payments-create", 2),
    ("errands-payments-sweep", 2),
    ("errands-payments-reconcile", 3),
];

/// Which of a function's calls to try. A schedule mostly looks and finds nothing: one look stands
/// for all, but for those around what it does.
fn worth_trying(calm: &Bench, function: &str) -> Vec<u64> {
    let step = MANY.iter().find(|(many, _)| *many == function).map_or(1, |(_, step)| *step);
    let runs = calm.stack.invocations(Some(function), usize::MAX);
    let calls = calm.stack.engine().calls().of(&format!("local-{function}"));
    let count = u64::try_from(calls.len()).unwrap();
    if runs.iter().all(|run| run.trigger != "schedule") {
        return (0..count).step_by(step).collect();
    }
    let does = |call: &engine::CallRecord| call.operation != "Query";
    let Some(first) = calls.iter().position(does) else { return vec![0] };
    let last = calls.iter().rposition(does).unwrap_or(first);
    let looks = u64::try_from(calls.len().div_ceil(runs.len().max(1))).unwrap();
    let (first, last) = (u64::try_from(first).unwrap(), u64::try_from(last).unwrap());
    (first.saturating_sub(looks)..count.min(last + looks)).step_by(step).collect()
}

async fn everything(bench: &Bench, outcome: &Outcome, died: Option<&str>) -> Vec<String> {
    let mut wrong = violations(bench).await;
    wrong.extend(unsettled(bench).await);
    wrong.extend(missed(bench, outcome).await);
    wrong.extend(said(bench, outcome, died).await);
    wrong
}

/// What the walk has not come to.
async fn missed(bench: &Bench, outcome: &Outcome) -> Vec<String> {
    let items = bench.items().await;
    let mut wrong = Vec::new();
    for (id, balance) in &outcome.balances {
        let user = of(&items, "User").find(|user| number(user, "id") == *id);
        let stored = user.map(|user| number(user, "balance"));
        if stored != Some(*balance) {
            wrong.push(format!("{id} has {stored:?} instead of {balance}"));
        }
    }
    for (id, status) in &outcome.orders {
        let order = of(&items, "Order").find(|order| text(order, "id") == id);
        let stored = order.map(|order| text(order, "status"));
        if stored != Some(*status) {
            wrong.push(format!("{id} is {stored:?} instead of {status}"));
        }
    }
    for (id, status) in &outcome.payments {
        let payment = of(&items, "Payment").find(|payment| number(payment, "id") == *id);
        let stored = payment.map(|payment| text(payment, "status"));
        if stored != Some(*status) {
            wrong.push(format!("payment {id} is {stored:?} instead of {status}"));
        }
    }
    for (kind, count) in &outcome.kinds {
        let stored = of(&items, kind).count();
        if stored != *count {
            wrong.push(format!("{stored} of {kind} instead of {count}"));
        }
    }
    wrong
}

/// What the bot has said too rarely or too often: everything once, and once more where the sender
/// died before it could write down that it had sent.
async fn said(bench: &Bench, outcome: &Outcome, died: Option<&str>) -> Vec<String> {
    let most = if died.is_some_and(|died| SENDERS.contains(&died)) { 2 } else { 1 };
    let messages = bench.desk("GET", "telegram/messages", &serde_json::Value::Null).await;
    let messages = messages["messages"].as_array().expect("messages").iter();
    let mut sent: Vec<(i64, &str)> = messages
        .filter(|message| message["method"] == "sendMessage")
        .map(|message| (message["chat_id"].as_i64().unwrap(), message["text"].as_str().unwrap()))
        .collect();
    let mut due: BTreeMap<(i64, &str), usize> = BTreeMap::new();
    for (chat, text) in &outcome.said {
        *due.entry((*chat, text)).or_default() += 1;
    }
    let mut wrong = Vec::new();
    for ((chat, needle), times) in &due {
        let found = sent.iter().filter(|(to, text)| to == chat && text.contains(needle)).count();
        if found < *times || found > times * most {
            wrong.push(format!("{needle:?} was said {found} times to {chat}, not {times}"));
        }
    }
    sent.retain(|(to, text)| !due.keys().any(|(chat, needle)| to == chat && text.contains(needle)));
    wrong.extend(sent.iter().map(|(chat, text)| format!("nobody expected {text:?} to {chat}")));
    wrong
}

/// Orders that are answered.
const ANSWERED: [&str; 14] = [
    "errands-users-preferences-save",
    "errands-users-notifications-save",
    "errands-subscriptions-index",
    "errands-balance-recharge",
    "errands-orders-create",
    "errands-orders-update",
    "errands-orders-take",
    "errands-orders-respond",
    "errands-orders-complete",
    "errands-reviews-client",
    "errands-reviews-executor",
    "errands-events-relay",
    "errands-notify-fanout",
    "errands-notify-send",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answered_order_comes_to_its_end_whatever_dies() {
    every_point("answered", &ANSWERED, answered).await;
}

/// Orders that are not.
const UNANSWERED: [&str; 5] = [
    "errands-orders-delete",
    "errands-orders-close",
    "errands-orders-deadline",
    "errands-orders-sweep",
    "errands-notify-digest",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unanswered_orders_are_given_back_once_whatever_dies() {
    every_point("unanswered", &UNANSWERED, unanswered).await;
}

/// Messages that get lost.
const UNTOLD: [&str; 2] = ["errands-outbox-sweep", "errands-digest-sweep"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_told_is_found_whatever_dies() {
    every_point("untold", &UNTOLD, untold).await;
}

/// Payments by Crypto Bot.
const INVOICES: [&str; 5] = [
    "errands-payments-create",
    "errands-payments-crypto-bot",
    "errands-payments-check",
    "errands-payments-sweep",
    "errands-payments-reconcile",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invoices_are_paid_once_whatever_dies() {
    every_point("invoices", &INVOICES, invoices).await;
}

/// Payments in stars and by the sandbox.
const PRETENDED: [&str; 2] = ["errands-telegram-webhook", "errands-payments-sandbox-pay"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pretended_money_comes_and_goes_once_whatever_dies() {
    every_point("stars and sandbox", &PRETENDED, pretended).await;
}

/// The audit.
const AUDITED: [&str; 1] = ["errands-audit"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_are_set_right_whatever_dies() {
    every_point("audited", &AUDITED, audited).await;
}

/// What writes down no more than that it has seen its caller.
const SEEN: [&str; 8] = [
    "errands-users-me",
    "errands-users-preferences",
    "errands-users-notifications",
    "errands-balance",
    "errands-balance-transactions",
    "errands-orders-list",
    "errands-reviews-list",
    "errands-reviews-check",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_is_seen_once_whatever_dies() {
    every_point("first sight", &SEEN, first_sight).await;
}

/// What writes nothing that another does not: an order and a payment that somebody looks at, and
/// what knows nobody.
const NOTHING: [&str; 7] = [
    "errands-orders-get",
    "errands-payments-status",
    "errands-root",
    "errands-health",
    "errands-openapi",
    "errands-cities",
    "errands-fallback",
];

#[test]
fn no_function_is_left_out() {
    let walks: [&[&str]; 8] =
        [&ANSWERED, &UNANSWERED, &UNTOLD, &INVOICES, &PRETENDED, &AUDITED, &SEEN, &NOTHING];
    let tried: BTreeSet<&str> = walks.into_iter().flatten().copied().collect();
    let functions = errands::functions();
    let all = functions.iter().map(|function| function.declaration().name).collect();
    assert_eq!(tried, all);
}

//! Crash points of the community: each function that changes it dies before, after, and with a lost
//! answer at its calls; everybody tries again as they would; then everything must hold that always
//! holds, and the walk must have come to what it comes to without a crash.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde_json::Value;
use shared::function::Trigger;

use super::{messages, ratings, walks};
use crate::bench::Bench;
use crate::invariants::{number, of, text, unsettled, violations};
use crate::points::{self, MODES, Point, Tried};

/// A Friday, when leaders report.
const FRIDAY: &str = "2026-01-23T12:00:30Z";

async fn bench() -> Bench {
    Bench::start_with(|options| {
        let options = options.frozen_at(FRIDAY.parse().unwrap()).set("RATE_ADMIN", "1000000/1");
        options.set("CHAT_HOURS_IDS", "-1001234567890")
    })
    .await
}

/// Runs `walk` once to see what it comes to, then once for each call worth trying of each of
/// `functions`, in each mode where calls are asked for, else in one mode after another.
async fn every_point(title: &str, functions: &[&str], walk: impl AsyncFn(&Bench)) {
    let calm = bench().await;
    walk(&calm).await;
    rest(&calm).await;
    let due = outcome(&calm).await;
    assert_eq!(wrong(&calm, &due).await, Vec::<String>::new(), "without a crash");
    let mut points = Vec::new();
    for (n, function) in functions.iter().enumerate() {
        let worth = worth_trying(&calm, function);
        assert!(!worth.is_empty(), "{function} has nothing to do in this walk");
        let mut tried = points::each_mode(function, worth);
        if points::asked().is_none() {
            tried.retain(|point| point.mode == MODES[n % MODES.len()]);
        }
        points.extend(tried);
    }
    points::try_all(&format!("community, {title}"), &points, async |point: &Point| {
        let bench = bench().await;
        bench.kill(point);
        walk(&bench).await;
        rest(&bench).await;
        let struck = bench.killed();
        Tried { struck, wrong: wrong(&bench, &due).await }
    })
    .await;
}

/// Lets every redelivery and sweep of the next hours happen.
async fn rest(bench: &Bench) {
    for seconds in [300, 4_500] {
        bench.pass(seconds).await;
    }
}

/// Which of a function's calls to try: as many as are asked for, evenly spread, or the last that
/// commits.
fn worth_trying(calm: &Bench, function: &str) -> Vec<u64> {
    let calls = calm.stack.engine().calls().of(&format!("local-{function}"));
    if let Some(most) = points::asked() {
        let count = u64::try_from(calls.len()).unwrap();
        let step = usize::try_from(points::step(count, most)).unwrap();
        return (0..count).step_by(step).collect();
    }
    let commits = calls.iter().rposition(|call| call.operation == "TransactWriteItems");
    let writes = ["UpdateItem", "PutItem", "DeleteItem", "SendMessage"];
    let writes = || calls.iter().rposition(|call| writes.contains(&call.operation.as_str()));
    let last = commits.or_else(writes).or_else(|| calls.len().checked_sub(1));
    last.into_iter().map(|at| at.try_into().unwrap()).collect()
}

/// What of all items is the same whenever the walk has come to its end.
async fn outcome(bench: &Bench) -> BTreeMap<String, i64> {
    let items = bench.items().await;
    let mut seen = BTreeMap::new();
    let mut count = |what: String, times: i64| *seen.entry(what).or_default() += times;
    for member in of(&items, "Member") {
        let tg_id = number(member, "tg_id");
        for name in ["balance", "experience", "streak"] {
            count(format!("{tg_id}: {name}"), number(member, name));
        }
        for name in ["team_role", "subscription_expires"] {
            let stands = text(member, name);
            let stands =
                if name == "team_role" { stands } else { stands.get(..10).unwrap_or_default() };
            count(format!("{tg_id}: {name} {stands}"), 1);
        }
    }
    for entry in of(&items, "EnergyEntry") {
        let (tg_id, kind) = (number(entry, "tg_id"), text(entry, "energy_kind"));
        count(format!("{tg_id}: {kind} {}", number(entry, "delta")), 1);
    }
    for row in of(&items, "Outbox") {
        let payload = &row["payload"];
        // A run that has told of drift and died may be followed by one that tells again, or finds none.
        if payload["message"] == "admin_alert" {
            continue;
        }
        count(format!("{}: told {}", payload["tg_id"], payload["message"]), 1);
    }
    for item in &items {
        let kind = text(item, "kind");
        if !PASSING.contains(&kind) {
            count(format!("items {kind}"), 1);
        }
    }
    seen
}

/// Items of which there are more or fewer with the time that it took.
const PASSING: [&str; 9] = [
    "",
    "Lease",
    "Idempotency",
    "Outbox",
    "RatingRanks",
    "RatingPlaces",
    "AuditPlace",
    "TelegramUpdate",
    "ScoreBucket",
];

async fn wrong(bench: &Bench, due: &BTreeMap<String, i64>) -> Vec<String> {
    let mut found = violations(bench).await;
    found.extend(unsettled(bench).await);
    found.extend(messages::unlike(bench).await);
    // The last publication may be the one that died.
    bench.orders("/api/admin/ratings/refresh", &Value::Null).await;
    found.extend(ratings::unlike(bench).await);
    let seen = outcome(bench).await;
    let names: BTreeSet<&String> = seen.keys().chain(due.keys()).collect();
    for name in names {
        let (seen, due) = (seen.get(name), due.get(name));
        // The publication above is one more, or the first.
        if seen != due && !name.starts_with("items Rating") {
            found.push(format!("{name}: {seen:?} instead of {due:?}"));
        }
    }
    found
}

const ENERGIES: [&str; 11] = [
    "club-admin-city-chat",
    "club-energies-award",
    "club-energies-spend",
    "club-energies-daily-login",
    "club-energies-lesson-view",
    "club-energies-sunday-practice",
    "club-gamification-add-xp",
    "club-bot-webhook",
    "club-bot-update",
    "club-outbox-deliver",
    "club-ratings-aggregate",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn energies_come_and_go_once_whatever_dies() {
    every_point("energies", &ENERGIES, walks::energies).await;
}

const TEAMS: [&str; 11] = [
    "club-admin-leader",
    "club-users-update",
    "club-admin-grant",
    "club-teams-create",
    "club-teams-join",
    "club-teams-leave",
    "club-teams-replace-leader",
    "club-teams-distribute",
    "club-decades-join",
    "club-decades-report",
    "club-bot-update",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn places_in_teams_are_taken_and_left_once_whatever_dies() {
    every_point("teams", &TEAMS, walks::teams).await;
}

const SHOP: [&str; 5] = [
    "club-admin-content-put",
    "club-admin-content-delete",
    "club-shop-purchase",
    "club-shop-use",
    "club-shop-draw",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn things_are_bought_once_whatever_dies() {
    every_point("shop", &SHOP, walks::shop).await;
}

const LEARNING: [&str; 12] = [
    "club-admin-content-put",
    "club-admin-content-delete",
    "club-courses-progress",
    "club-courses-favorite",
    "club-content-complete",
    "club-meditations-session",
    "club-streams-attend",
    "club-streams-attend-named",
    "club-streams-create",
    "club-streams-status",
    "club-reports-submit",
    "club-reports-delete",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_learnt_and_reported_counts_once_whatever_dies() {
    every_point("learning", &LEARNING, walks::learning).await;
}

const MONTHS: [&str; 13] = [
    "club-energies-expire",
    "club-subscriptions-guard",
    "club-subscriptions-remind",
    "club-teams-cleanup",
    "club-ratings-publish",
    "club-ratings-reconcile",
    "club-admin-job",
    "club-admin-ratings-refresh",
    "club-admin-revoke",
    "club-chat-hours",
    "club-energies-audit",
    "club-outbox-relay",
    "club-teams-sync",
];
/// Months take long: so many of these die unless calls are asked for.
const FEW: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn months_go_by_once_whatever_dies() {
    let functions = if points::asked().is_some() { &MONTHS[..] } else { &MONTHS[..FEW] };
    every_point("months", functions, walks::months).await;
}

/// Signing in, payments and what is around them: they have walks of their own, and tests beside their
/// code.
const ELSEWHERE: [&str; 40] = [
    "club-admin-assign",
    "club-admin-dismiss",
    "club-admin-job-run",
    "club-admin-lavatop-offer-create",
    "club-admin-lavatop-offer-delete",
    "club-admin-lavatop-offer-update",
    "club-admin-offer-create",
    "club-admin-offer-delete",
    "club-admin-offer-update",
    "club-admin-refund",
    "club-analytics-form-open",
    "club-analytics-gift-attempt",
    "club-analytics-payment-attempt",
    "club-analytics-payment-success",
    "club-auth-logout",
    "club-auth-refresh",
    "club-auth-telegram",
    "club-cloudpayments-cancel",
    "club-cloudpayments-check",
    "club-cloudpayments-fail",
    "club-cloudpayments-pay",
    "club-cloudpayments-recurrent",
    "club-cloudpayments-refund",
    "club-gifts-activate",
    "club-gifts-expire",
    "club-health-probe",
    "club-lavatop-payment",
    "club-lavatop-recurring",
    "club-onboarding-remind",
    "club-onboarding-sweep",
    "club-outbox-sweep",
    "club-payments-cancel-subscription",
    "club-payments-check",
    "club-payments-link",
    "club-payments-reconcile",
    "club-payments-sandbox-state",
    "club-payments-sandbox-webhook",
    "club-payments-support-link",
    "club-payments-sweep",
    "club-users-cancel-subscription",
];

/// What writes nothing but, at most, that its caller was seen for the first time.
const NOTHING: [&str; 4] = [
    "club-decades-can-create",
    "club-decades-cities",
    "club-decades-my",
    "club-decades-report-status",
];

#[test]
fn nothing_that_changes_the_club_is_in_no_walk() {
    let walks: [&[&str]; 7] = [&ENERGIES, &TEAMS, &SHOP, &LEARNING, &MONTHS, &ELSEWHERE, &NOTHING];
    let known: BTreeSet<&str> = walks.into_iter().flatten().copied().collect();
    let functions = club::functions();
    let changes = |trigger: &Trigger| match trigger {
        Trigger::Http(endpoint) => endpoint.method != Method::GET,
        _ => true,
    };
    let all: BTreeSet<&str> = functions
        .iter()
        .map(|function| function.declaration())
        .filter(|declaration| changes(&declaration.trigger))
        .map(|declaration| declaration.name)
        .collect();
    let missing: Vec<_> = all.difference(&known).collect();
    assert!(missing.is_empty(), "in no walk: {missing:?}");
    let gone: Vec<_> = known.difference(&all).collect();
    assert!(gone.is_empty(), "not there, or changing nothing: {gone:?}");
}

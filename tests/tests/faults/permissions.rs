//! Least privilege, both ways: what the functions were seen to do against what their roles allow.
//! Nothing that is not allowed, nothing allowed that is never used.

mod chats;
mod community;
mod months;
pub mod scene;

use std::collections::{BTreeMap, BTreeSet};

use engine::{CrashMode, Fault, FaultKind, Target};
use serde::Deserialize;
use serde_json::Value;

use crate::bench::Bench;
use crate::points::Point;
use crate::walks::{ANNA, late_webhook, lost_webhook};

#[derive(Deserialize)]
struct Functions {
    access: BTreeMap<String, Vec<String>>,
    functions: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    #[serde(default)]
    table: Vec<String>,
    #[serde(default)]
    indexes: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    send: Vec<String>,
    #[serde(default)]
    inspect: Vec<String>,
}

/// Allowed and not seen here: paths that a whole run of the system does not take.
const RARE: &[(&str, &str)] = &[
    // A provider or days that this run does not have; the tests of permissions beside each of these
    // functions hold it to exactly what it does.
    ("club-lavatop-payment", "dynamodb:BatchGetItem"),
    ("club-lavatop-payment", "dynamodb:DeleteItem"),
    ("club-lavatop-payment", "dynamodb:PutItem"),
    ("club-lavatop-payment", "dynamodb:Query"),
    ("club-lavatop-payment", "dynamodb:UpdateItem"),
    ("club-lavatop-recurring", "dynamodb:BatchGetItem"),
    ("club-lavatop-recurring", "dynamodb:DeleteItem"),
    ("club-lavatop-recurring", "dynamodb:PutItem"),
    ("club-lavatop-recurring", "dynamodb:Query"),
    ("club-lavatop-recurring", "dynamodb:UpdateItem"),
    ("club-payments-cancel-subscription", "dynamodb:BatchGetItem"),
    ("club-payments-cancel-subscription", "dynamodb:DeleteItem"),
    ("club-payments-cancel-subscription", "dynamodb:PutItem"),
    ("club-users-cancel-subscription", "dynamodb:BatchGetItem"),
    ("club-users-cancel-subscription", "dynamodb:DeleteItem"),
    ("club-users-cancel-subscription", "dynamodb:PutItem"),
    ("club-payments-reconcile", "dynamodb:ConditionCheckItem"),
    ("club-payments-reconcile", "dynamodb:DeleteItem"),
    ("club-payments-reconcile", "dynamodb:PutItem"),
    ("club-payments-reconcile", "dynamodb:Query"),
    ("club-payments-support-link", "dynamodb:BatchGetItem"),
    ("club-payments-support-link", "dynamodb:DeleteItem"),
    ("club-payments-support-link", "dynamodb:PutItem"),
    ("club-payments-support-link", "sqs:SendMessage"),
    ("club-subscriptions-remind", "dynamodb:BatchGetItem"),
    ("club-subscriptions-remind", "dynamodb:ConditionCheckItem"),
    ("club-subscriptions-remind", "dynamodb:PutItem"),
    // What a job of the day has not done; the tests of guard, reminders, gifts and energies fail one.
    ("club-energies-expire", "sqs:SendMessage"),
    ("club-gifts-expire", "sqs:SendMessage"),
    ("club-subscriptions-guard", "sqs:SendMessage"),
    ("club-subscriptions-remind", "sqs:SendMessage"),
    // A message that Telegram put off; the outbox's own tests answer 429.
    ("club-outbox-deliver", "sqs:SendMessage"),
    // An audit that runs out of time keeps its place; the capability's own tests cut one short.
    ("club-energies-audit", "dynamodb:PutItem"),
    ("club-energies-audit", "dynamodb:ConditionCheckItem"),
    // So does a look into chats; it closes places as the cleanup does.
    ("club-teams-sync", "dynamodb:PutItem"),
    // Only a failed secret is counted, and loopback addresses are exempt from that limit.
    ("club-payments-sandbox-state", "dynamodb:UpdateItem"),
    ("club-bot-webhook", "dynamodb:UpdateItem"),
    ("club-cloudpayments-check", "dynamodb:UpdateItem"),
    ("club-cloudpayments-cancel", "dynamodb:UpdateItem"),
    // It may do what the jobs may that it runs; each of them is walked as itself.
    ("club-admin-job", "dynamodb:BatchGetItem"),
    ("club-admin-job", "dynamodb:ConditionCheckItem"),
    ("club-admin-job", "dynamodb:DeleteItem"),
    ("club-admin-job", "dynamodb:PutItem"),
    ("club-admin-job", "dynamodb:Query"),
    ("club-admin-job", "sqs:SendMessage"),
    // The same of a run that outlasts the call; the capability's own tests cut one short.
    ("club-admin-job-run", "dynamodb:BatchGetItem"),
    ("club-admin-job-run", "dynamodb:ConditionCheckItem"),
    ("club-admin-job-run", "dynamodb:DeleteItem"),
    ("club-admin-job-run", "dynamodb:GetItem"),
    ("club-admin-job-run", "dynamodb:PutItem"),
    ("club-admin-job-run", "dynamodb:Query"),
    ("club-admin-job-run", "dynamodb:UpdateItem"),
    ("club-admin-job-run", "sqs:GetQueueAttributes"),
    ("club-admin-job-run", "sqs:SendMessage"),
];

/// Functions, and what each of them may do or has done: an action on a resource.
pub type Permissions = BTreeMap<String, BTreeSet<(String, String)>>;

/// What `infra/functions/<service>.yaml` allows; the templates are generated from it, and CI compares
/// them.
fn allowed(service: &str) -> Permissions {
    let path = local::default_template().with_file_name("functions").join(service);
    let text = std::fs::read_to_string(path.with_extension("yaml")).expect("the functions");
    let all: Functions = serde_yaml_ng::from_str(&text).expect("the functions read");
    let permissions = all.functions.into_iter().map(|entry| {
        let mut own = BTreeSet::new();
        for word in &entry.table {
            let set = all.access.get(word).cloned().unwrap_or_else(|| vec![word.clone()]);
            own.extend(
                set.into_iter().map(|action| (format!("dynamodb:{action}"), "table".to_owned())),
            );
        }
        for (index, actions) in &entry.indexes {
            own.extend(actions.iter().map(|a| (format!("dynamodb:{a}"), format!("index/{index}"))));
        }
        own.extend(entry.send.iter().map(|q| ("sqs:SendMessage".to_owned(), format!("queue/{q}"))));
        let inspect = entry.inspect.iter();
        own.extend(inspect.map(|q| ("sqs:GetQueueAttributes".to_owned(), format!("queue/{q}"))));
        (entry.name, own)
    });
    permissions.collect()
}

/// The name of a resource without stage and service: `table`, `index/due`, `queue/outbox`.
fn short(resource: &str) -> String {
    let parts: Vec<&str> = resource.split('/').collect();
    match parts.as_slice() {
        ["table", _] => "table".to_owned(),
        ["table", _, "index", name] => format!("index/{name}"),
        ["queue", name] => {
            let plain = ["-club-", "-errands-"].iter().find_map(|of| Some(name.split_once(of)?.1));
            let plain = plain.unwrap_or(name);
            format!("queue/{plain}")
        }
        _ => resource.to_owned(),
    }
}

/// Adds what was done on a bench since it was asked last.
pub fn used(bench: &Bench, into: &mut Permissions) {
    for call in bench.stack.engine().calls().drain() {
        let Some(function) = call.caller.strip_prefix("local-") else { continue };
        let own = into.entry(function.to_owned()).or_default();
        own.extend(call.permissions.iter().map(|p| (p.action.clone(), short(&p.resource))));
    }
}

/// Everything that any function ever does, the rare cases included.
async fn everything(used_so_far: &mut Permissions) {
    let bench = Bench::start().await;
    lost_webhook(&bench).await;
    let launch = bench.launch(ANNA);
    let tokens = bench.sign_in(ANNA).await;
    let bearer = format!("Bearer {}", tokens.body["token"].as_str().unwrap());
    let first_contact = bench.launch(900);
    let reads = [
        "/api/v1/auth/me",
        "/api/v1/users/me",
        "/api/payments/status",
        "/api/payments/attempts/att_none",
        "/api/v1/energies/balance",
        "/api/v1/energies/history",
        "/api/v1/gifts/my",
        "/api/v1/ratings/cities",
        "/api/v1/ratings/personal",
        "/health/ready",
    ];
    for (index, path) in reads.iter().enumerate() {
        for credential in [&launch, &bearer, &bench.launch(1_000 + i64::try_from(index).unwrap())] {
            let answer =
                bench.send("GET", path, &[("authorization", credential)], &Value::Null).await;
            let tag = answer.headers.get("etag").cloned().unwrap_or_default();
            for tag in [tag.as_str(), "\"outdated\""] {
                let headers = [("authorization", credential.as_str()), ("if-none-match", tag)];
                bench.send("GET", path, &headers, &Value::Null).await;
            }
        }
    }
    let patch = serde_json::json!({ "city": "Тверь" });
    for credential in [&first_contact, &bearer] {
        bench.send("PATCH", "/api/v1/users/me", &[("authorization", credential)], &patch).await;
    }
    renewals(&bench, &bearer).await;
    used(&bench, used_so_far);
    let bench = Bench::start().await;
    late_webhook(&bench).await;
    used(&bench, used_so_far);
    used(&what_goes_wrong().await, used_so_far);
    let bench = Bench::start().await;
    crate::gifts::walk(&bench).await;
    used(&bench, used_so_far);
    let bench = Bench::start().await;
    crate::stars::walk(&bench).await;
    used(&bench, used_so_far);
    let bench = scene::counting(|options| options).await;
    crate::administration::walk(&bench).await;
    used(&bench, used_so_far);
    used(&crate::cloudpayments::walk().await, used_so_far);
    used(&community::walk().await, used_so_far);
    used(&chats::walk().await, used_so_far);
    used(&community::is_counted().await, used_so_far);
    used(&months::walk().await, used_so_far);
    used(&months::they_have_left().await, used_so_far);
}

/// A link that dies between its intent and the provider's answer stays `created`.
async fn link_dies(bench: &Bench, id: i64) {
    let function = "club-payments-link".to_owned();
    bench.kill(&Point { function, at: 3, mode: CrashMode::Before });
    let launch = bench.launch(id);
    let body = serde_json::json!({
        "telegram_id": id, "email": "a@example.test", "offer_key": "monthly_rub_2000",
    });
    let headers = [("authorization", launch.as_str())];
    bench.send("POST", "/api/payments/generate-link", &headers, &body).await;
    bench.advance(10).await;
    assert!(bench.killed() > 0, "the link died");
}

/// Lost hints, a lost message, a link that was never made, a webhook that is first: what sweeps
/// and settlements do on the rare paths.
async fn what_goes_wrong() -> Bench {
    let bench = Bench::start().await;
    for id in [ANNA, 43, 44, 45] {
        bench.sign_in(id).await;
    }
    let lost = |caller: &str| {
        let fault = Fault::new(Target::Sqs, FaultKind::FailBefore).caller(caller);
        bench.stack.engine().faults().inject(fault);
    };
    lost("local-club-payments-link");
    let swept = bench.link(ANNA).await;
    bench.provider_says(&swept, "paid").await;
    bench.stack.engine().faults().clear();
    link_dies(&bench, 43).await;
    bench.link(43).await;
    link_dies(&bench, 44).await;
    bench.provider_fails(true).await;
    let launch = bench.launch(46);
    let body = serde_json::json!({
        "telegram_id": 46, "email": "a@example.test", "offer_key": "monthly_rub_2000",
    });
    let headers = [("authorization", launch.as_str())];
    let refused = bench.send("POST", "/api/payments/generate-link", &headers, &body).await;
    assert_eq!(refused.status, 502, "{}", refused.body);
    bench.provider_fails(false).await;
    let direct = bench.link(45).await;
    lost("local-club-outbox-relay");
    bench.deliver(&direct).await;
    bench.advance(120).await;
    bench.stack.engine().faults().clear();
    bench.converge().await;
    bench.converge().await;
    // Paid when all checks were over, and nobody said so: the sweep's own question finds it.
    let late = bench.link(43).await;
    for _ in 0..12 {
        bench.advance(30).await;
    }
    bench.provider_says(&late, "paid").await;
    bench.converge().await;
    // A step of an onboarding whose hint is lost: the sweep finds it.
    let queues = bench.stack.engine().queues();
    queues.purge("test-club-onboarding").expect("the queue of the onboarding");
    bench.pass(4 * 3_600).await;
    bench.converge().await;
    bench
}

/// An expired token beside a good cookie is renewed by whatever function it meets.
async fn renewals(bench: &Bench, bearer: &str) {
    let mut refresh = bench.sign_in(ANNA).await.body["refreshToken"].as_str().unwrap().to_owned();
    bench.advance(3_700).await;
    let mut functions = club::functions();
    // Signing out revokes the family, so it comes last.
    functions.sort_by_key(|function| function.declaration().name == "club-auth-logout");
    for function in functions {
        let Some(endpoint) = function.declaration().endpoint() else { continue };
        if !community::renews(&function) {
            continue;
        }
        let cookie = format!("refresh_token={refresh}");
        let headers = [("authorization", bearer), ("cookie", cookie.as_str())];
        let path = endpoint.path.replace("{id}", "att_none");
        let reply = bench.send(endpoint.method.as_str(), &path, &headers, &Value::Null).await;
        let set = reply.headers.get("set-cookie").and_then(|c| c.split("refresh_token=").nth(1));
        let next = set.and_then(|c| c.split(';').next()).unwrap_or_default();
        if !next.is_empty() {
            next.clone_into(&mut refresh);
        } else {
            refresh = bench.sign_in(ANNA).await.body["refreshToken"].as_str().unwrap().to_owned();
            bench.advance(1).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_allow_what_is_done_and_nothing_else() {
    let mut used = Permissions::new();
    everything(&mut used).await;
    let wrong = differences("club", used, RARE);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What was done and is not allowed, or is allowed and was not done, but for what is `rare`.
pub fn differences(service: &str, mut used: Permissions, rare: &[(&str, &str)]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (function, allowed) in allowed(service) {
        let mut done = used.remove(&function).unwrap_or_default();
        // INIT reads one key to open its connection; functions inside this process do not.
        if allowed.iter().any(|(_, resource)| resource == "table") {
            done.insert(("dynamodb:GetItem".to_owned(), "table".to_owned()));
        }
        for (action, resource) in done.difference(&allowed) {
            wrong.push(format!("{function} does {action} on {resource} without being allowed to"));
        }
        for (action, resource) in allowed.difference(&done) {
            if rare.contains(&(function.as_str(), action.as_str())) {
                continue;
            }
            wrong.push(format!("{function} may {action} on {resource} and never does"));
        }
    }
    used.remove("runner"); // the local stack itself, which reads streams and queues
    wrong.extend(used.keys().map(|function| format!("{function} has no role")));
    wrong
}

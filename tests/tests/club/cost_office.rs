//! The price of what those who run the club do by hand and of what every service has; rows of the
//! table of [`crate::cost`], and the proof that no function is without one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tests::{MONTH, Member, Table, World, local};

use crate::cost_community::{done, looked_at, looks, office, thrice};
use crate::stars::Stars;

/// The document of the club's API, as it is built.
const DOCUMENT: &str = include_str!("../../../docs/openapi/club.json");

/// The remaining rows.
pub async fn rows(table: &mut Table) {
    let world = local!("RATE_PAYMENT" => "10000/60");
    let anna = world.member(42, "Анна").await;
    offers(table, &world).await;
    forms(table, &world, &anna).await;
    aside(table, &world, &anna).await;
    jobs(table, &world).await;
    service(table, &world).await;
}

async fn offers(table: &mut Table, world: &World) {
    for name in ["offers", "lavatop-offers"] {
        let path = format!("/api/admin/{name}");
        let key = name.replace('-', "_");
        let offer = json!({
            "key": key, "label": "Год", "purpose": "self", "days": 365,
            "prices": { "RUB": "15000.00" },
        });
        let made = office(world, "POST", &path, &offer).await;
        done(table, &format!("POST admin/{name}"), &made);
        looked_at(table, world, &[(path.as_str(), "")]).await;
        let one = format!("{path}/{key}");
        let changed = office(world, "PATCH", &one, &json!({ "label": "Целый год" })).await;
        done(table, &format!("PATCH admin/{name}/{{key}}"), &changed);
        let gone = office(world, "DELETE", &one, &json!({})).await;
        done(table, &format!("DELETE admin/{name}/{{key}}"), &gone);
    }
}

async fn forms(table: &mut Table, world: &World, anna: &Member) {
    let paid = json!({ "telegram_id": 42, "payment_method": "bank-rf", "amount": 2000 });
    let gift = json!({ "gifter_id": 42, "recipient_id": 43 });
    for (name, body) in
        [("payment-attempt", &paid), ("payment-success", &paid), ("gift-attempt", &gift)]
    {
        let told = anna.post(&format!("/api/analytics/{name}"), body).await;
        done(table, &format!("analytics/{name}"), &told);
    }
    let boris = world.member(43, "Борис").await;
    let stars = Stars::of(&boris, MONTH).await;
    stars.tell(&stars.recurring("b1", true)).await;
    let path = "/api/payments/cancel-subscription";
    done(table, "payments/cancel-subscription", &boris.post(path, &json!({})).await);
    done(table, "payments/cancel-subscription, again", &boris.post(path, &json!({})).await);
}

async fn aside(table: &mut Table, world: &World, anna: &Member) {
    let attempt = anna.link(MONTH).await;
    let wrong = json!({
        "attempt_id": attempt, "event": "success", "external_id": "short", "amount": "1.00",
    });
    world.webhook(&wrong).await.ok();
    let path = "/api/admin/unassigned-payments";
    let listed = looks(world, path).await.ok();
    let id = listed["payments"][0]["id"].as_str().unwrap().to_owned();
    let reason = json!({ "reason": "Возвращено банком" });
    let told = office(world, "POST", &format!("{path}/{id}/dismiss"), &reason).await;
    done(table, "admin/unassigned-payments/{id}/dismiss", &told);
}

/// The message of a job that an administrator began, as Lambda hands it to the function.
fn left(job: &str) -> Value {
    json!({ "Records": [{
        "messageId": "00000000-0000-4000-8000-000000000001",
        "receiptHandle": "x",
        "body": json!({ "job": job, "run_id": "cost", "turn": 1 }).to_string(),
        "attributes": {
            "ApproximateReceiveCount": "1", "SentTimestamp": "1768910400000",
            "SenderId": "x", "ApproximateFirstReceiveTimestamp": "1768910400000",
        },
        "messageAttributes": {},
        "md5OfBody": "00000000000000000000000000000000",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:admin-jobs",
        "awsRegion": "us-east-1",
    }] })
}

async fn jobs(table: &mut Table, world: &World) {
    let begun = office(world, "POST", "/api/admin/jobs/gift_expiry", &json!({})).await;
    done(table, "admin/jobs/{name}, the end of gifts", &begun);
    world.advance(1).await;
    world.invoke("club-admin-job-run", &left("gift_expiry")).await;
    world.idle().await;
    table.job(world, "club-admin-job-run", "the end of gifts").await;
    world.run("club-health-probe").await;
    table.job(world, "club-health-probe", "all is well").await;
    world.run("club-chat-hours").await;
    table.job(world, "club-chat-hours", "no chat has hours").await;
}

async fn service(table: &mut Table, world: &World) {
    for path in ["/", "/openapi.json"] {
        thrice(table, path, || world.get(path)).await;
    }
    let all = ["/metrics", "/api/v1/cache/stats"];
    for path in all {
        let answer = looks(world, path).await;
        answer.is(200);
        table.http(path, &answer);
    }
}

/// Functions of the club that no row of the table is of.
///
/// A row of a route begins with its path as in the document of the API, which may lack `/api` or
/// `/api/v1`, and before it with the method wherever the path has several and it is not GET. A row
/// of anything else begins with the function's name.
pub fn without_a_row(table: &str) -> Vec<String> {
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let (called, run): (BTreeSet<_>, BTreeSet<_>) = (rows_of_routes(table), rows_of_jobs(table));
    let (mut routed, mut missing) = (BTreeSet::new(), Vec::new());
    for (path, methods) in document["paths"].as_object().unwrap() {
        let methods = methods.as_object().unwrap();
        for (method, route) in methods {
            let name = route["operationId"].as_str().unwrap();
            let plain = methods.len() == 1 || method == "get";
            let forms = ["", "/api/", "/api/v1/"];
            let paths = forms.iter().filter_map(|before| path.strip_prefix(before));
            let has = paths.into_iter().any(|path| {
                let full = format!("{} {path}", method.to_uppercase());
                called.contains(full.as_str()) || (plain && called.contains(path))
            });
            if !has {
                missing.push(name.to_owned());
            }
            routed.insert(name.to_owned());
        }
    }
    let others = functions().into_iter().filter(|name| !routed.contains(name));
    // What no route matches has no path; it is the row of a path that is nobody's.
    let has =
        |name: &str| run.contains(name) || name == "club-fallback" && called.contains("/nowhere");
    missing.extend(others.filter(|name| !has(name)));
    missing
}

/// Of rows such as `PATCH users/me, city: 200`, what stands before the comma and the colon.
fn rows_of_routes(table: &str) -> BTreeSet<&str> {
    let labels = table.lines().filter_map(|line| Some(line.rsplit_once(": ")?.0));
    labels.filter_map(|label| label.split(',').next()).collect()
}

/// Of rows such as `club-outbox-sweep (nothing to mend)`, the function.
fn rows_of_jobs(table: &str) -> BTreeSet<&str> {
    let named = table.lines().filter_map(|line| Some(line.split_once(" (")?.0));
    named.filter(|name| name.starts_with("club-")).collect()
}

/// All functions of the club: a binary each.
fn functions() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../functions/club/src/bin");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let name = |file: PathBuf| file.file_stem().unwrap().to_str().unwrap().to_owned();
    files.map(name).collect()
}

#[test]
fn a_function_without_a_row_is_named() {
    let all = without_a_row("");
    assert_eq!(all.iter().collect::<BTreeSet<_>>(), functions().iter().collect());
    let some = "POST teams: 200 1\nteams/{id}: 200 1\n/nowhere: 404 0\nclub-teams-sync (x) 1";
    let left: BTreeSet<_> = without_a_row(some).into_iter().collect();
    let gone = ["club-teams-create", "club-teams-one", "club-fallback", "club-teams-sync"];
    let gone: BTreeSet<_> = gone.map(str::to_owned).into();
    assert_eq!(functions().difference(&left).cloned().collect::<BTreeSet<_>>(), gone);
}

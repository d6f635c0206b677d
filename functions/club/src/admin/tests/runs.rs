//! Jobs that are run by hand.

use shared::lease::Lease;

use super::*;

/// The jobs, by the names of their leases.
pub(super) const JOBS: [&str; 15] = [
    "attempt_sweep",
    "chat_hours",
    "energies_audit",
    "energies_expire",
    "gift_expiry",
    "health_probe",
    "onboarding_sweep",
    "outbox_sweep",
    "payments_reconcile",
    "ratings_publish",
    "ratings_reconcile",
    "renewal_reminders",
    "subscription_guard",
    "team_inactive_cleanup",
    "team_sync",
];

fn path(name: &str) -> String {
    format!("/api/admin/jobs/{name}")
}

#[tokio::test]
async fn every_job_runs_and_says_how_it_went() {
    let office = Office::open().await;
    for name in JOBS {
        let reply = office.post(run(), &path(name), json!({})).await;
        assert_eq!(reply.status, 200, "{name}: {}", reply.body);
        assert_eq!(reply.body["result"]["lease_held"], false, "{name}: {}", reply.body);
        assert!(reply.body["run_id"].is_string());
        let now = office.now();
        let until = now + shared::clock::days(1);
        let lease = Lease::acquire(office.world.table(), name, now, until).await;
        let lease = lease.unwrap_or_else(|_| panic!("{name} keeps another lease, or keeps it"));
        let held = office.post(run(), &path(name), json!({})).await;
        assert_eq!(code(&held), (409, "lease_held".to_owned()), "{name}");
        lease.release(office.world.table(), now).await.unwrap();
    }
    // Every job that runs by the clock can be run by hand.
    let jobs = crate::functions().into_iter().filter(|function| {
        matches!(function.declaration().trigger, shared::function::Trigger::Schedule(_))
    });
    assert_eq!(jobs.count(), JOBS.len());
    for unknown in ["other", "club-gifts-expire", "GIFT_EXPIRY", "%20"] {
        let reply = office.post(run(), &path(unknown), json!({})).await;
        assert_eq!(code(&reply), (404, "not_found".to_owned()), "{unknown}");
    }
}

#[tokio::test]
async fn ratings_are_published_by_hand() {
    let office = Office::open().await;
    let path = "/api/admin/ratings/refresh";
    let first = office.post(refresh(), path, json!({})).await;
    assert_eq!(first.status, 200, "{}", first.body);
    assert_eq!(first.body["generation"], office.now().seconds());
    assert_eq!(first.body["generatedAt"], json!(office.now()));
    let same = office.post(refresh(), path, json!({})).await;
    assert_eq!((same.status, &same.body), (first.status, &first.body), "one of this instant");
    // Another one within the second is the next generation.
    office.world.pass(std::time::Duration::from_millis(200));
    let soon = office.post(refresh(), path, json!({})).await;
    assert_eq!(soon.body["generation"], first.body["generation"].as_i64().unwrap() + 1);
    assert_eq!(soon.body["generatedAt"], json!(office.now()));
    assert_ne!(soon.body["generatedAt"], first.body["generatedAt"]);
    let again = office.post(refresh(), path, json!({})).await;
    assert_eq!(again.body, soon.body);
    office.pass(60);
    let next = office.post(refresh(), path, json!({})).await;
    assert_eq!(next.body["generation"], office.now().seconds());
    let (now, until) = (office.now(), office.now() + shared::clock::days(1));
    Lease::acquire(office.world.table(), "ratings_publish", now, until).await.unwrap();
    let held = office.post(refresh(), path, json!({})).await;
    assert_eq!(code(&held), (409, "lease_held".to_owned()));
}

#[tokio::test]
async fn a_job_does_its_work() {
    let office = Office::open().await;
    office.linked("monthly_rub_2000").await;
    office.pass(300);
    let reply = office.post(run(), &path("attempt_sweep"), json!({})).await;
    assert_eq!(reply.body["result"]["hints"], 1, "{}", reply.body);
}

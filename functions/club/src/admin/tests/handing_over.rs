//! Jobs that outlast an administrator's call.

use std::collections::BTreeSet;

use engine::{Fault, FaultKind, Target};
use shared::lease::Lease;

use super::runs::JOBS;
use super::*;
use crate::payments::{Attempt, Status};
use crate::testing::{ADMIN_JOBS, Mood};

const PATH: &str = "/api/admin/jobs/attempt_sweep";
/// Attempts of a sweep that asks eight at a time.
const MANY: usize = 12;
/// An administrator waits for less than a job keeps to end what it has begun: it begins nothing.
const HASTE: [(&str, &str); 1] = [("ADMIN_JOB_PATIENCE_MS", "9000")];

impl Office {
    /// A link that is paid and of which nobody was told, among many that are not; all are due to be
    /// asked about.
    async fn forgotten(&self) -> String {
        let id = self.linked("monthly_rub_2000").await;
        let attempt: Attempt =
            self.world.table().get(&Attempt::key_of(&id)).await.unwrap().unwrap();
        let failed =
            Attempt { status: Status::Failed, due_at: Some(self.now()), url: None, ..attempt };
        self.world.put(&failed).await;
        for n in 0..MANY {
            let id = format!("att_{n:026}");
            self.world.put(&Attempt { id, ..failed.clone() }).await;
        }
        self.world.provider.change(&id, |invoice| invoice.state = "paid".to_owned());
        self.pass(60);
        id
    }

    async fn go_on(&self) -> (usize, usize) {
        self.world.deliver(go_on(), ADMIN_JOBS).await
    }
}

#[tokio::test]
async fn a_job_that_takes_longer_is_accepted_and_goes_on_by_itself() {
    let office = Office::with(&HASTE).await;
    let id = office.forgotten().await;
    let reply = office.post(run(), PATH, json!({})).await;
    assert_eq!(reply.status.as_u16(), 202, "{}", reply.body);
    let said = json!({ "success": true, "run_id": reply.body["run_id"] });
    assert!(reply.body["run_id"].is_string());
    assert_eq!(reply.body, said);
    assert_eq!(office.world.depth(ADMIN_JOBS), 1);
    assert_eq!(office.anna().await.balance, 0);
    assert_eq!(office.go_on().await, (1, 0));
    assert_eq!((office.anna().await.balance, office.world.depth(ADMIN_JOBS)), (500, 0));
    let attempt: Attempt = office.world.table().get(&Attempt::key_of(&id)).await.unwrap().unwrap();
    assert_eq!(attempt.status, Status::Paid);
    office.check_invariants().await;
}

#[tokio::test]
async fn a_run_waits_for_another_and_is_not_lost() {
    let office = Office::with(&HASTE).await;
    office.forgotten().await;
    assert_eq!(office.post(run(), PATH, json!({})).await.status.as_u16(), 202);
    let (now, until) = (office.now(), office.now() + shared::clock::days(1));
    let lease = Lease::acquire(office.world.table(), "attempt_sweep", now, until).await.unwrap();
    for _ in 0..3 {
        assert_eq!(office.go_on().await, (1, 0));
        assert_eq!((office.go_on().await, office.world.depth(ADMIN_JOBS)), ((0, 0), 1));
        office.pass(60);
    }
    lease.release(office.world.table(), now).await.unwrap();
    assert_eq!(office.go_on().await, (1, 0));
    assert_eq!((office.anna().await.balance, office.world.depth(ADMIN_JOBS)), (500, 0));
}

/// A provider that never answers takes the time that the job had.
#[tokio::test]
async fn a_job_that_has_no_time_left_goes_on_by_itself() {
    let patience = [("ADMIN_JOB_PATIENCE_MS", "10500"), ("PROVIDER_TIMEOUT_MS", "600")];
    let office = Office::with(&patience).await;
    office.forgotten().await;
    office.world.provider.set_mood(Mood::Silent);
    let reply = office.post(run(), PATH, json!({})).await;
    assert_eq!(reply.status.as_u16(), 202, "{}", reply.body);
    office.world.provider.set_mood(Mood::Fine);
    // Those of the first eight that were asked about are asked again at their own time.
    office.pass(24 * 3_600);
    assert_eq!(office.go_on().await, (1, 0));
    assert_eq!((office.anna().await.balance, office.world.depth(ADMIN_JOBS)), (500, 0));
    office.check_invariants().await;
}

#[tokio::test]
async fn what_cannot_be_handed_over_is_not_accepted() {
    let office = Office::with(&HASTE).await;
    office.forgotten().await;
    office.world.engine.faults().inject(Fault::new(Target::Sqs, FaultKind::Error));
    assert_eq!(office.post(run(), PATH, json!({})).await.status.as_u16(), 503);
    office.world.engine.faults().clear();
    assert_eq!(office.world.depth(ADMIN_JOBS), 0);
}

#[tokio::test]
async fn a_job_that_fails_in_time_is_answered_with_what_it_came_to() {
    // However long the store is tried again.
    let office = Office::with(&[("ADMIN_JOB_PATIENCE_MS", "3600000")]).await;
    office.forgotten().await;
    // It asks, and cannot write down what it was told.
    let fault = Fault::new(Target::Dynamodb, FaultKind::Error).operation("TransactWriteItems");
    office.world.engine.faults().inject(fault);
    let reply = office.post(run(), PATH, json!({})).await;
    office.world.engine.faults().clear();
    assert_eq!(reply.status.as_u16(), 200, "{}", reply.body);
    assert_eq!(reply.body["result"]["complete"], false, "{}", reply.body);
    assert_eq!(office.world.depth(ADMIN_JOBS), 0);
}

#[tokio::test]
async fn a_run_goes_on_with_what_every_job_may_do() {
    let office = Office::open().await;
    office.forgotten().await;
    let queue = office.world.app.admin_jobs.as_ref().unwrap();
    for job in JOBS.into_iter().chain(["what_is_that"]) {
        let left = json!({ "job": job, "run_id": "run", "turn": 1 });
        queue.send(&left, jiff::SignedDuration::ZERO).await.unwrap();
        assert_eq!(office.go_on().await, (1, 0), "{job}");
    }
    assert_eq!(office.world.depth(ADMIN_JOBS), 0);
    let calls = office.world.engine.calls().of("local-club-admin-job-run");
    let asked: BTreeSet<_> =
        calls.into_iter().flat_map(|call| call.permissions).map(|asked| asked.action).collect();
    // See infra/functions/club.yaml.
    let all = [
        "dynamodb:BatchGetItem",
        "dynamodb:ConditionCheckItem",
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
        "sqs:GetQueueAttributes",
        "sqs:SendMessage",
    ];
    let beyond: Vec<_> = asked.iter().filter(|action| !all.contains(&action.as_str())).collect();
    assert!(beyond.is_empty(), "{beyond:?}");
    assert!(asked.contains("dynamodb:ConditionCheckItem") && asked.contains("dynamodb:Query"));
}

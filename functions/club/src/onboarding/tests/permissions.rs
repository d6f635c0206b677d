//! What each function asks of AWS: neither more nor less than its role should allow.

use std::collections::BTreeSet;

use super::*;

const TABLE: &str = "table/test-club";
const DUE: &str = "table/test-club/index/due";
const QUEUE: &str = "queue/onboarding";

fn allowed(table: &[&str], rest: &[(&str, &str)]) -> BTreeSet<(String, String)> {
    let table = table.iter().map(|action| (format!("dynamodb:{action}"), TABLE.to_owned()));
    let rest = rest.iter().map(|(action, on)| ((*action).to_owned(), (*on).to_owned()));
    table.chain(rest).collect()
}

#[tokio::test]
async fn functions_ask_for_exactly_this() {
    let school = School::open().await;
    school.pass(20).await;
    school.says(1, "успех").await;
    school.presses(2).await;
    school.world.engine.queues().purge(ONBOARDING).unwrap();
    // The offer of a gift, which a member is read for, and a hint that comes too early.
    school.world.pass(Duration::from_secs(18 * 3_600 + 40 * 60 - 300));
    assert_eq!(school.sweep().await["hints"], 1);
    school.pass(5).await;
    assert!(school.said().await.contains(&"gift_offer".to_owned()));
    let early = json!({
        "member": MEMBER, "kind": "check_in_7", "cycle": CYCLE, "due": school.world.now(),
    });
    school.world.engine.queues().send(ONBOARDING, &early.to_string(), None).unwrap();
    school.deliver().await;
    let asked = |function: &str| school.world.asked(function);
    let send = ("sqs:SendMessage", QUEUE);
    let step = allowed(&["GetItem", "PutItem"], &[send]);
    assert_eq!(asked("club-onboarding-remind"), step);
    let job = allowed(&["BatchGetItem", "UpdateItem"], &[send, ("dynamodb:Query", DUE)]);
    assert_eq!(asked("club-onboarding-sweep"), job);
    assert_eq!(asked("club-outbox-relay"), allowed(&[], &[send]));
}

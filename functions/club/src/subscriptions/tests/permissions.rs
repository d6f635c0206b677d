//! What each function asks of AWS: neither more nor less than its role should allow.

use std::collections::BTreeSet;

use super::*;

const TABLE: &str = "table/test-club";
const DUE: &str = "table/test-club/index/due";

#[tokio::test]
async fn functions_ask_for_exactly_this() {
    let club = Club::at_nine().await;
    let now = club.world.now();
    club.ending(1, now - days(1)).await;
    club.ending(2, now + days(1)).await;
    club.ending(3, now + days(2)).await;
    assert_eq!(club.guard().await["closed"], 1);
    assert_eq!(club.remind().await["reminded"], 2);
    assert_eq!(club.remind().await["reminded"], 0);
    let asked = |function: &str| club.world.asked(function);
    let job = ["BatchGetItem", "ConditionCheckItem", "PutItem", "UpdateItem"];
    let job = job.iter().map(|action| (format!("dynamodb:{action}"), TABLE.to_owned()));
    let query = [("dynamodb:Query".to_owned(), DUE.to_owned())];
    let allowed: BTreeSet<_> = job.chain(query).collect();
    assert_eq!(asked("club-subscriptions-guard"), allowed);
    assert_eq!(asked("club-subscriptions-remind"), allowed);
}

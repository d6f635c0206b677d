//! What each function asks of AWS: neither more nor less than its role should allow.

use std::collections::BTreeSet;

use super::*;

const TABLE: &str = "table/test-club";
const DUE: &str = "table/test-club/index/due";

fn allowed(table: &[&str], rest: &[(&str, &str)]) -> BTreeSet<(String, String)> {
    let table = table.iter().map(|action| (format!("dynamodb:{action}"), TABLE.to_owned()));
    let rest = rest.iter().map(|(action, on)| ((*action).to_owned(), (*on).to_owned()));
    table.chain(rest).collect()
}

#[tokio::test]
async fn functions_ask_for_exactly_this() {
    let party = Party::begin().await;
    let (_, gift) = party.give(None).await;
    let (_, over) = party.give(None).await;
    let wish = party.wish(RECIPIENT, &gift.token).await.header("idempotency-key", "one");
    for _ in 0..2 {
        party.world.call(activate(), wish.clone()).await;
    }
    party.list(GIVER).await;
    party.pass(365 * DAY);
    party.refused(STRANGER, &over).await;
    assert_eq!(party.run().await["expired"], 1);
    let asked = |function: &str| party.world.asked(function);
    let all = ["BatchGetItem", "GetItem", "PutItem", "UpdateItem"];
    assert_eq!(asked("club-gifts-activate"), allowed(&all, &[]));
    // A first contact, which makes the member, puts too.
    assert_eq!(asked("club-gifts-my"), allowed(&["GetItem", "Query"], &[]));
    let job = ["BatchGetItem", "ConditionCheckItem", "PutItem", "UpdateItem"];
    assert_eq!(asked("club-gifts-expire"), allowed(&job, &[("dynamodb:Query", DUE)]));
}

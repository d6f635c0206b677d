//! What the consumer of updates asks of AWS for what it does besides payments.

use std::collections::BTreeSet;

use super::*;
use crate::onboarding::begun;

#[tokio::test]
async fn updates_ask_for_no_more_than_a_settlement_may() {
    let desk = Desk::open().await;
    let gift = desk.gift(None).await;
    let begun = begun(STRANGER, "att_01KG9JV9M0SAMPLEATTEMPT000", desk.world.now());
    desk.world.table().transact(vec![begun]).await.unwrap();
    desk.hear(&says(1, GIVER, "/start")).await;
    desk.hear(&says(2, PERSON, &format!("/start gift_{}", gift.token))).await;
    desk.hear(&says(3, STRANGER, "успех")).await;
    let calls = desk.world.engine.calls().of("local-club-bot-update");
    let asked = calls.into_iter().flat_map(|call| call.permissions);
    let asked: BTreeSet<_> = asked.map(|asked| (asked.action, asked.resource)).collect();
    let table = ["BatchGetItem", "GetItem", "PutItem", "UpdateItem"];
    let table = table.map(|action| (format!("dynamodb:{action}"), "table/test-club".to_owned()));
    assert_eq!(asked, BTreeSet::from(table));
}

//! DynamoDB's semantics that the services build upon.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    ConditionCheck, KeysAndAttributes, Put, PutRequest, ReturnConsumedCapacity,
    ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update, WriteRequest,
};

use super::*;

fn new_item(table: &str, pk: &str) -> TransactWriteItem {
    let put = Put::builder()
        .table_name(table)
        .item("pk", s(pk))
        .item("sk", s("a"))
        .condition_expression("attribute_not_exists(pk)")
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    TransactWriteItem::builder().put(put.build().unwrap()).build()
}

fn add_one(table: &str, pk: &str) -> TransactWriteItem {
    let update = Update::builder()
        .table_name(table)
        .key("pk", s(pk))
        .key("sk", s("a"))
        .update_expression("ADD points :one")
        .expression_attribute_values(":one", n(1));
    TransactWriteItem::builder().update(update.build().unwrap()).build()
}

#[tokio::test]
async fn a_condition_that_fails_shows_the_item_that_stands_in_the_way() {
    let (engine, _) = memory();
    let client = dynamodb(&engine, CALLER);
    create_table(&client, "club").await;
    put(&client, "club", "member#1", "a").await;
    let refused = client
        .put_item()
        .table_name("club")
        .item("pk", s("member#1"))
        .item("sk", s("a"))
        .condition_expression("attribute_not_exists(pk)")
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    let PutItemError::ConditionalCheckFailedException(refused) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(refused.item.unwrap()["pk"], s("member#1"));
}

#[tokio::test]
async fn a_cancelled_transaction_leaves_nothing_and_says_why() {
    let (engine, _) = memory();
    let client = dynamodb(&engine, CALLER);
    create_table(&client, "club").await;
    put(&client, "club", "taken", "a").await;
    let check = ConditionCheck::builder()
        .table_name("club")
        .key("pk", s("absent"))
        .key("sk", s("a"))
        .condition_expression("attribute_not_exists(pk)");
    let check = TransactWriteItem::builder().condition_check(check.build().unwrap()).build();
    let refused = client
        .transact_write_items()
        .transact_items(new_item("club", "free"))
        .transact_items(new_item("club", "taken"))
        .transact_items(check)
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    let TransactWriteItemsError::TransactionCanceledException(refused) = refused else {
        panic!("{refused:?}")
    };
    let reasons = refused.cancellation_reasons.unwrap();
    let codes: Vec<_> = reasons.iter().map(|reason| reason.code().unwrap()).collect();
    assert_eq!(codes, ["None", "ConditionalCheckFailed", "None"]);
    assert_eq!(reasons[1].item().unwrap()["pk"], s("taken"));
    assert!(!exists(&client, "club", "free", "a").await);
}

#[tokio::test]
async fn a_request_token_makes_a_transaction_happen_once_for_ten_minutes() {
    let (engine, clock) = memory();
    let client = dynamodb(&engine, CALLER);
    create_table(&client, "club").await;
    let send = |token: &str, item: TransactWriteItem| {
        client.transact_write_items().client_request_token(token).transact_items(item).send()
    };
    send("token", add_one("club", "counter")).await.unwrap();
    send("token", add_one("club", "counter")).await.unwrap();
    let error = send("token", add_one("club", "other")).await.unwrap_err().into_service_error();
    assert!(error.is_idempotent_parameter_mismatch_exception(), "{error:?}");
    let points = || async {
        let get = client.get_item().table_name("club").key("pk", s("counter")).key("sk", s("a"));
        get.send().await.unwrap().item.unwrap()["points"].clone()
    };
    assert_eq!(points().await, n(1));
    clock.advance(std::time::Duration::from_secs(600));
    send("token", add_one("club", "counter")).await.unwrap();
    assert_eq!(points().await, n(2));
}

#[tokio::test]
async fn indexes_are_sparse_ordered_and_paged() {
    let (engine, _) = memory();
    let client = dynamodb(&engine, CALLER);
    create_table(&client, "club").await;
    for (sk, at) in [("1", "2026-01-01"), ("2", "2026-01-03"), ("3", "2026-01-02")] {
        let item = client.put_item().table_name("club").item("pk", s("m")).item("sk", s(sk));
        let item = item.item("history_at", s(at)).item("due_pk", s("due")).item("due_at", s(at));
        item.send().await.unwrap();
    }
    put(&client, "club", "m", "not-indexed").await;
    let query = |index: &str, key: &str, value: &str| {
        client
            .query()
            .table_name("club")
            .index_name(index)
            .key_condition_expression(format!("{key} = :v"))
            .expression_attribute_values(":v", s(value))
    };
    let newest = query("history", "pk", "m").scan_index_forward(false).consistent_read(true);
    let newest = newest.limit(2).send().await.unwrap();
    let sks: Vec<_> = newest.items().iter().map(|item| item["sk"].as_s().unwrap()).collect();
    assert_eq!(sks, ["2", "3"]);
    let rest = query("history", "pk", "m").scan_index_forward(false);
    let rest = rest.set_exclusive_start_key(newest.last_evaluated_key).send().await.unwrap();
    assert_eq!(rest.items()[0]["sk"], s("1"));
    let due = query("due", "due_pk", "due").send().await.unwrap();
    assert_eq!(due.count(), 3);
    assert!(!due.items()[0].contains_key("history_at"), "the index holds keys only");
    query("due", "due_pk", "due").consistent_read(true).send().await.unwrap_err();
}

#[tokio::test]
async fn batches_keep_their_limits() {
    let (engine, _) = memory();
    let client = dynamodb(&engine, CALLER);
    create_table(&client, "club").await;
    let writes = |count: i64| {
        let request = |i| {
            let put = PutRequest::builder().item("pk", s("b")).item("sk", s(&format!("{i:03}")));
            WriteRequest::builder().put_request(put.build().unwrap()).build()
        };
        let requests = (0..count).map(request).collect();
        client.batch_write_item().request_items("club", requests).send()
    };
    writes(25).await.unwrap();
    writes(26).await.unwrap_err();
    let mut keys = KeysAndAttributes::builder();
    for i in 0..25 {
        let key = [("pk", s("b")), ("sk", s(&format!("{i:03}")))];
        keys = keys.keys(key.map(|(name, value)| (name.to_owned(), value)).into());
    }
    let batch = client.batch_get_item().request_items("club", keys.build().unwrap());
    let got = batch.send().await.unwrap();
    assert_eq!(got.responses().unwrap()["club"].len(), 25);
}

#[tokio::test]
async fn consumed_capacity_is_told_by_every_operation_that_has_it() {
    let (engine, _) = memory();
    let client = dynamodb(&engine, CALLER);
    create_table(&client, "club").await;
    let total = ReturnConsumedCapacity::Total;
    let units = |capacity: &aws_sdk_dynamodb::types::ConsumedCapacity| {
        capacity.capacity_units().expect("units")
    };
    let item = client.put_item().table_name("club").item("pk", s("m")).item("sk", s("a"));
    let done = item.return_consumed_capacity(total.clone()).send().await.unwrap();
    assert_eq!(units(done.consumed_capacity().unwrap()), 1.0);
    // One unit for the table, one for the new entry of the index.
    let item = client.put_item().table_name("club").item("pk", s("m")).item("sk", s("b"));
    let item = item.item("due_pk", s("due")).item("due_at", s("1"));
    let done = item.return_consumed_capacity(total.clone()).send().await.unwrap();
    assert_eq!(units(done.consumed_capacity().unwrap()), 2.0);
    let get = client.get_item().table_name("club").key("pk", s("m")).key("sk", s("a"));
    let done = get.return_consumed_capacity(total.clone()).send().await.unwrap();
    assert_eq!(units(done.consumed_capacity().unwrap()), 0.5);
    let get = client.get_item().table_name("club").key("pk", s("m")).key("sk", s("a"));
    let get = get.consistent_read(true).return_consumed_capacity(total.clone());
    assert_eq!(units(get.send().await.unwrap().consumed_capacity().unwrap()), 1.0);
    let query = client.query().table_name("club").key_condition_expression("pk = :m");
    let query = query.expression_attribute_values(":m", s("m"));
    let done = query.return_consumed_capacity(total.clone()).send().await.unwrap();
    assert_eq!(units(done.consumed_capacity().unwrap()), 0.5);
    let update = client.update_item().table_name("club").key("pk", s("m")).key("sk", s("a"));
    let update = update.update_expression("ADD v :v").expression_attribute_values(":v", n(1));
    let done = update.return_consumed_capacity(total.clone()).send().await.unwrap();
    assert_eq!(units(done.consumed_capacity().unwrap()), 1.0);
    let transact = client.transact_write_items().transact_items(new_item("club", "t1"));
    let transact = transact.transact_items(add_one("club", "t2"));
    let done = transact.return_consumed_capacity(total.clone()).send().await.unwrap();
    assert_eq!(units(&done.consumed_capacity()[0]), 4.0);
    let delete = client.delete_item().table_name("club").key("pk", s("m")).key("sk", s("a"));
    let done = delete.return_consumed_capacity(total.clone()).send().await.unwrap();
    assert_eq!(units(done.consumed_capacity().unwrap()), 1.0);
    let done = client.scan().table_name("club").return_consumed_capacity(total).send();
    assert!(done.await.unwrap().consumed_capacity().is_some());
}

#[tokio::test]
async fn a_table_that_is_missing_and_an_operation_that_is_unknown_are_refused() {
    let (engine, _) = memory();
    let client = dynamodb(&engine, CALLER);
    let get = client.get_item().table_name("absent").key("pk", s("m")).key("sk", s("a"));
    let error = get.send().await.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_exception(), "{error:?}");
    let backups = client.list_backups().send().await.unwrap_err();
    assert_eq!(backups.raw_response().unwrap().status().as_u16(), 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_writers_of_one_item_lose_nothing() {
    let (engine, _) = memory();
    let client = dynamodb(&engine, CALLER);
    create_table(&client, "club").await;
    let writers: Vec<_> = (0..64)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                for _ in 0..5 {
                    let item = add_one("club", "hot");
                    client.transact_write_items().transact_items(item).send().await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let get = client.get_item().table_name("club").key("pk", s("hot")).key("sk", s("a"));
    assert_eq!(get.send().await.unwrap().item.unwrap()["points"], n(320));
}

#[tokio::test]
async fn calls_are_recorded_with_the_caller_and_what_they_need() {
    let (engine, _) = memory();
    let client = dynamodb(&engine, "local-club-users-me");
    create_table(&dynamodb(&engine, "setup"), "club").await;
    let drained = engine.calls().drain();
    assert_eq!(drained.len(), 2);
    client.transact_write_items().transact_items(new_item("club", "x")).send().await.unwrap();
    let calls = engine.calls().of("local-club-users-me");
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].permissions[0].action, "dynamodb:PutItem");
    assert_eq!(calls[0].resources, ["table/club"]);
    assert_eq!((calls[0].items, calls[0].status), (1, Some(200)));
}

//! Every kind of fault, as the SDK sees it.

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    ConditionCheck, KeysAndAttributes, Put, PutRequest, TransactWriteItem, WriteRequest,
};

use super::*;
use crate::{Fault, FaultKind, NoAnswer, QueueSpec, Reply, Target, When};

async fn table() -> (Engine, aws_sdk_dynamodb::Client) {
    let (engine, _) = memory();
    let client = dynamodb(&engine, CALLER);
    create_table(&client, "club").await;
    engine.faults().reset_counts();
    (engine, client)
}

fn write(
    client: &aws_sdk_dynamodb::Client,
) -> aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder {
    client.put_item().table_name("club").item("pk", s("m")).item("sk", s("a"))
}

fn transaction(
    client: &aws_sdk_dynamodb::Client,
) -> aws_sdk_dynamodb::operation::transact_write_items::builders::TransactWriteItemsFluentBuilder {
    let put = Put::builder().table_name("club").item("pk", s("m")).item("sk", s("a"));
    let check = ConditionCheck::builder()
        .table_name("club")
        .key("pk", s("other"))
        .key("sk", s("a"))
        .condition_expression("attribute_not_exists(pk)");
    let put = TransactWriteItem::builder().put(put.build().unwrap()).build();
    let check = TransactWriteItem::builder().condition_check(check.build().unwrap()).build();
    client.transact_write_items().transact_items(put).transact_items(check)
}

async fn reasons(client: &aws_sdk_dynamodb::Client) -> Vec<String> {
    let error = transaction(client).send().await.unwrap_err().into_service_error();
    let TransactWriteItemsError::TransactionCanceledException(error) = error else {
        panic!("{error:?}")
    };
    let reasons = error.cancellation_reasons();
    reasons.iter().map(|reason| reason.code().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn throttling_is_the_services_own_error() {
    let (engine, client) = table().await;
    engine.faults().inject(Fault::new(Target::Dynamodb, FaultKind::Throttle));
    let error = write(&client).send().await.unwrap_err().into_service_error();
    assert!(error.is_provisioned_throughput_exceeded_exception(), "{error:?}");
    assert_eq!(reasons(&client).await, ["ThrottlingError", "None"]);
    assert_eq!((engine.faults().seen(Some(CALLER)), engine.faults().struck()), (2, 2));
    engine.faults().clear();
    assert!(!exists(&client, "club", "m", "a").await);
}

#[tokio::test]
async fn a_conflict_strikes_writes_and_transactions_only() {
    let (engine, client) = table().await;
    engine.faults().inject(Fault::new(Target::Dynamodb, FaultKind::Conflict));
    let error = write(&client).send().await.unwrap_err().into_service_error();
    assert_eq!(error.meta().code(), Some("TransactionConflictException"));
    assert_eq!(reasons(&client).await, ["TransactionConflict", "None"]);
    assert!(!exists(&client, "club", "m", "a").await);
}

#[tokio::test]
async fn errors_and_timeouts_have_no_effect_and_a_lost_answer_has() {
    let (engine, client) = table().await;
    let once = |kind| Fault::new(Target::Dynamodb, kind).operation("PutItem");
    engine.faults().inject(once(FaultKind::Error).when(When::Calls(vec![0])));
    engine.faults().inject(once(FaultKind::Timeout).when(When::Calls(vec![1])));
    engine.faults().inject(once(FaultKind::FailBefore).when(When::Calls(vec![2])));
    engine.faults().inject(once(FaultKind::LostAnswer).when(When::Calls(vec![3])));
    let error = write(&client).send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 500);
    assert!(error.into_service_error().is_internal_server_error());
    let aws_sdk_dynamodb::error::SdkError::DispatchFailure(error) =
        write(&client).send().await.unwrap_err()
    else {
        panic!("no connector error")
    };
    assert!(error.is_timeout());
    assert!(write(&client).send().await.is_err());
    assert!(!exists(&client, "club", "m", "a").await);
    assert!(write(&client).send().await.is_err());
    assert!(exists(&client, "club", "m", "a").await);
    write(&client).send().await.unwrap();
}

#[tokio::test]
async fn faults_keep_to_their_caller_and_operation() {
    let (engine, client) = table().await;
    let fault = Fault::new(Target::Dynamodb, FaultKind::Error);
    engine.faults().inject(fault.caller("somebody else"));
    write(&client).send().await.unwrap();
    let other = dynamodb(&engine, "somebody else");
    write(&other).send().await.unwrap_err();
    let fault = Fault::new(Target::Dynamodb, FaultKind::Error).operation("DeleteItem");
    engine.faults().inject(fault);
    write(&client).send().await.unwrap();
}

#[tokio::test]
async fn the_sdk_gets_over_a_fault_that_passes() {
    let (engine, _) = table().await;
    let config = dynamodb(&engine, CALLER).config().to_builder();
    let retries = aws_sdk_dynamodb::config::retry::RetryConfig::standard()
        .with_initial_backoff(std::time::Duration::from_millis(1));
    let client = aws_sdk_dynamodb::Client::from_conf(config.retry_config(retries).build());
    for kind in [FaultKind::LostAnswer, FaultKind::Throttle, FaultKind::Timeout] {
        engine.faults().clear();
        engine.faults().inject(Fault::new(Target::Dynamodb, kind).when(When::Calls(vec![0])));
        let add = client.update_item().table_name("club").key("pk", s("m")).key("sk", s("a"));
        add.update_expression("SET v = :v")
            .expression_attribute_values(":v", n(1))
            .send()
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_rate_strikes_the_same_calls_for_the_same_seed() {
    let (engine, client) = table().await;
    let mut runs = Vec::new();
    for seed in [1, 1, 2] {
        engine.faults().clear();
        let fault = Fault::new(Target::Dynamodb, FaultKind::Error);
        engine.faults().inject(fault.when(When::rate(0.3)).seed(seed));
        let mut struck = Vec::new();
        for number in 0..40 {
            if write(&client).send().await.is_err() {
                struck.push(number);
            }
        }
        runs.push(struck);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
    assert!((5..20).contains(&runs[0].len()), "{runs:?}");
}

#[tokio::test]
async fn queues_have_faults_of_their_own() {
    let (engine, _) = memory();
    engine.queues().create(&QueueSpec::new("work")).unwrap();
    let client = sqs(&engine, CALLER);
    let send = || client.send_message().queue_url("work").message_body("x").send();
    engine.faults().inject(Fault::new(Target::Sqs, FaultKind::Conflict));
    for (number, kind) in
        [FaultKind::Throttle, FaultKind::Error, FaultKind::LostAnswer].into_iter().enumerate()
    {
        let when = When::Calls(vec![number.try_into().unwrap()]);
        engine.faults().inject(Fault::new(Target::Sqs, kind).when(when));
    }
    let error = send().await.unwrap_err().into_service_error();
    assert!(error.is_request_throttled(), "{error:?}");
    let error = send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 500);
    assert_eq!(engine.queues().depths().unwrap()[0].visible, 0);
    send().await.unwrap_err();
    assert_eq!(engine.queues().depths().unwrap()[0].visible, 1);
    send().await.unwrap();
}

#[tokio::test]
async fn over_http_a_lost_answer_is_no_response() {
    let (engine, _) = memory();
    let request = || {
        let request =
            http::Request::post("/").header("X-Amz-Target", "DynamoDB_20120810.ListTables");
        let caller = "AWS4-HMAC-SHA256 Credential=local-x/20260131/local/dynamodb/aws4_request, X";
        request.header("Authorization", caller).body(()).unwrap().into_parts().0
    };
    let reply = engine.http(&request(), "{}".into()).await;
    let response = reply.into_http().unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/x-amz-json-1.0");
    engine.faults().inject(Fault::new(Target::Dynamodb, FaultKind::LostAnswer).caller("local-x"));
    let reply = engine.http(&request(), "{}".into()).await;
    assert!(matches!(reply, Reply::Silence(NoAnswer::Broken)));
    assert!(reply.into_http().is_none());
    let unknown = http::Request::post("/").body(()).unwrap().into_parts().0;
    assert_eq!(engine.http(&unknown, "{}".into()).await.status(), Some(400));
    assert_eq!(engine.calls().drain().len(), 2);
}

#[tokio::test]
async fn a_batch_is_done_in_part_and_the_rest_comes_back() {
    let (engine, client) = table().await;
    engine.faults().inject(Fault::new(Target::Dynamodb, FaultKind::Partial));
    let request = |sk: &str| {
        let put = PutRequest::builder().item("pk", s("b")).item("sk", s(sk)).build().unwrap();
        WriteRequest::builder().put_request(put).build()
    };
    let mut left = vec![request("1"), request("2"), request("3"), request("4"), request("5")];
    let mut sizes = Vec::new();
    while !left.is_empty() {
        sizes.push(left.len());
        let batch = client.batch_write_item().request_items("club", left);
        let unprocessed = batch.send().await.unwrap().unprocessed_items.unwrap_or_default();
        left = unprocessed.into_values().next().unwrap_or_default();
    }
    assert_eq!(sizes, [5, 2, 1]);
    let mut keys = KeysAndAttributes::builder().consistent_read(true);
    for sk in ["1", "2", "3", "4", "5"] {
        keys = keys.keys([("pk".to_owned(), s("b")), ("sk".to_owned(), s(sk))].into());
    }
    let got = client.batch_get_item().request_items("club", keys.build().unwrap());
    let got = got.send().await.unwrap();
    let rest = &got.unprocessed_keys().unwrap()["club"];
    assert_eq!((got.responses().unwrap()["club"].len(), rest.keys().len()), (3, 2));
    assert_eq!(rest.consistent_read(), Some(true));

    engine.queues().create(&QueueSpec::new("work")).unwrap();
    engine.faults().inject(Fault::new(Target::Sqs, FaultKind::Partial));
    let entry = |id: &str| {
        let entry = aws_sdk_sqs::types::SendMessageBatchRequestEntry::builder();
        entry.id(id).message_body("x").build().unwrap()
    };
    let batch = sqs(&engine, CALLER).send_message_batch().queue_url("work");
    let done = batch.entries(entry("a")).entries(entry("b")).send().await.unwrap();
    assert_eq!((done.successful()[0].id(), done.failed()[0].id()), ("a", "b"));
    assert_eq!(engine.queues().depths().unwrap()[0].visible, 1);
}

#[tokio::test]
async fn a_global_index_may_lag_and_a_local_one_never_does() {
    let (engine, client) = table().await;
    let item = write(&client).item("due_pk", s("due")).item("due_at", s("1"));
    item.item("history_at", s("1")).send().await.unwrap();
    let query = |index: &str, key: &str, value: &str| {
        let query = client.query().table_name("club").index_name(index);
        let query = query.key_condition_expression(format!("{key} = :v"));
        query.expression_attribute_values(":v", s(value)).send()
    };
    engine.faults().inject(Fault::new(Target::Dynamodb, FaultKind::IndexLag));
    assert_eq!(query("due", "due_pk", "due").await.unwrap().count(), 0);
    assert_eq!(query("history", "pk", "m").await.unwrap().count(), 1);
    engine.faults().clear();
    assert_eq!(query("due", "due_pk", "due").await.unwrap().count(), 1);
}

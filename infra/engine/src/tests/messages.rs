//! Messages that get lost, come twice or come late, as their sender sees them: not at all.

use std::time::Duration;

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;

use super::*;
use crate::{Fault, FaultKind, QueueSpec, Target, When};

fn sender(kind: FaultKind) -> (Engine, Clock, aws_sdk_sqs::Client) {
    let (engine, clock) = memory();
    engine.queues().create(&QueueSpec::new("work")).unwrap();
    engine.faults().inject(Fault::new(Target::Sqs, kind).seed(5));
    let client = sqs(&engine, CALLER);
    (engine, clock, client)
}

async fn send(client: &aws_sdk_sqs::Client, body: &str) -> String {
    let send = client.send_message().queue_url("work").message_body(body);
    send.send().await.unwrap().message_id.unwrap()
}

async fn send_all(client: &aws_sdk_sqs::Client, bodies: &[&str]) {
    let mut batch = client.send_message_batch().queue_url("work");
    for body in bodies {
        let entry = SendMessageBatchRequestEntry::builder().id(*body).message_body(*body);
        batch = batch.entries(entry.build().unwrap());
    }
    assert_eq!(batch.send().await.unwrap().successful().len(), bodies.len());
}

fn received(engine: &Engine) -> Vec<String> {
    let messages = engine.queues().receive("work", 10, None).unwrap();
    messages.into_iter().map(|message| message.body).collect()
}

#[tokio::test]
async fn a_lost_message_is_answered_and_never_comes() {
    let (engine, clock, client) = sender(FaultKind::MessageLost);
    assert!(!send(&client, "one").await.is_empty());
    send_all(&client, &["two", "three"]).await;
    clock.advance(Duration::from_secs(3_600));
    assert!(received(&engine).is_empty());
    assert_eq!(engine.faults().struck(), 2);
    engine.faults().clear();
    send(&client, "four").await;
    assert_eq!(received(&engine), ["four"]);
}

#[tokio::test]
async fn a_message_that_comes_twice_is_two_messages() {
    let (engine, _, client) = sender(FaultKind::MessageTwice);
    let id = send(&client, "one").await;
    let messages = engine.queues().receive("work", 10, None).unwrap();
    assert_eq!(messages.iter().filter(|message| message.body == "one").count(), 2);
    assert_eq!(messages.iter().filter(|message| message.message_id == id).count(), 1);
    send_all(&client, &["two", "three"]).await;
    assert_eq!(received(&engine), ["two", "three", "two", "three"]);
}

#[tokio::test]
async fn late_messages_overtake_one_another() {
    let (engine, clock, client) = sender(FaultKind::MessageLate);
    engine.queues().create(&QueueSpec::new("work").visibility_s(900)).unwrap();
    let bodies = ["a", "b", "c", "d", "e", "f"];
    send_all(&client, &bodies).await;
    assert!(received(&engine).is_empty());
    let mut order = Vec::new();
    for _ in 0..121 {
        clock.advance(Duration::from_secs(1));
        order.extend(received(&engine));
        if order.len() == bodies.len() {
            break;
        }
    }
    let mut sorted = order.clone();
    sorted.sort();
    assert_eq!(sorted, bodies);
    assert_ne!(order, bodies, "none overtook another");
}

#[tokio::test]
async fn only_what_is_sent_is_struck() {
    let (engine, _, client) = sender(FaultKind::MessageLost);
    engine.faults().clear();
    let lost = Fault::new(Target::Sqs, FaultKind::MessageLost).when(When::Calls(vec![1]));
    engine.faults().inject(lost);
    send(&client, "one").await;
    let receive = || client.receive_message().queue_url("work").send();
    let message = receive().await.unwrap().messages.unwrap().remove(0);
    let handle = message.receipt_handle.unwrap();
    client.delete_message().queue_url("work").receipt_handle(handle).send().await.unwrap();
    send(&client, "two").await;
    assert!(received(&engine).is_empty(), "the second sending is the one that is struck");
    assert_eq!(engine.faults().struck(), 1);
}

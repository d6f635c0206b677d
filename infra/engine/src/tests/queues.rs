//! SQS through the real SDK.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message,
    MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName,
    SendMessageBatchRequestEntry,
};

use super::*;
use crate::QueueSpec;

async fn queue(client: &Client, name: &str, attributes: &[(QueueAttributeName, &str)]) -> String {
    let mut create = client.create_queue().queue_name(name);
    for (name, value) in attributes {
        create = create.attributes(name.clone(), *value);
    }
    create.send().await.unwrap().queue_url.unwrap()
}

async fn send(client: &Client, url: &str, body: &str) {
    client.send_message().queue_url(url).message_body(body).send().await.unwrap();
}

async fn receive(client: &Client, url: &str) -> Vec<Message> {
    let receive = client.receive_message().queue_url(url).max_number_of_messages(10);
    let receive = receive.message_system_attribute_names(MessageSystemAttributeName::All);
    receive.send().await.unwrap().messages.unwrap_or_default()
}

fn count(message: &Message) -> &str {
    &message.attributes().unwrap()[&MessageSystemAttributeName::ApproximateReceiveCount]
}

#[tokio::test]
async fn a_message_comes_back_until_it_is_deleted() {
    let (engine, clock) = memory();
    let client = sqs(&engine, CALLER);
    let url = queue(&client, "work", &[(QueueAttributeName::VisibilityTimeout, "30")]).await;
    assert_eq!(url, "http://sqs.local/000000000000/work");
    send(&client, &url, "This is a test message").await;
    let first = receive(&client, &url).await.remove(0);
    assert_eq!(first.md5_of_body(), Some("fafb00f5732ab283681e124bf8747ed1"));
    assert_eq!(count(&first), "1");
    assert_eq!(first.attributes().unwrap()[&MessageSystemAttributeName::SenderId], CALLER);
    assert!(receive(&client, &url).await.is_empty());
    clock.advance(Duration::from_secs(30));
    let second = receive(&client, &url).await.remove(0);
    assert_eq!((second.message_id(), count(&second)), (first.message_id(), "2"));

    let delete = |handle: &str| client.delete_message().queue_url(&url).receipt_handle(handle);
    delete(first.receipt_handle().unwrap()).send().await.unwrap();
    clock.advance(Duration::from_secs(30));
    let third = receive(&client, &url).await.remove(0);
    assert_eq!(count(&third), "3");
    delete(third.receipt_handle().unwrap()).send().await.unwrap();
    clock.advance(Duration::from_secs(3_600));
    assert!(receive(&client, &url).await.is_empty());
    let error = delete("rubbish").send().await.unwrap_err().into_service_error();
    assert!(error.is_receipt_handle_is_invalid(), "{error:?}");
}

#[tokio::test]
async fn delays_follow_the_clock_and_end_at_fifteen_minutes() {
    let (engine, clock) = memory();
    let client = sqs(&engine, CALLER);
    let url = queue(&client, "work", &[(QueueAttributeName::DelaySeconds, "5")]).await;
    let delayed = |seconds| {
        client.send_message().queue_url(&url).message_body("later").delay_seconds(seconds).send()
    };
    delayed(900).await.unwrap();
    let refused = delayed(901).await.unwrap_err();
    assert_eq!(refused.raw_response().unwrap().status().as_u16(), 400);
    send(&client, &url, "by the queue's own delay").await;
    assert_eq!(engine.queues().next_due().unwrap(), Some(clock.now() + Duration::from_secs(5)));
    assert!(receive(&client, &url).await.is_empty());
    clock.advance(Duration::from_secs(5));
    assert_eq!(receive(&client, &url).await.len(), 1);
    clock.advance(Duration::from_millis(894_999));
    let depth = engine.queues().depths().unwrap().remove(0);
    assert_eq!((depth.visible, depth.delayed, depth.in_flight), (1, 1, 0));
    clock.advance(Duration::from_millis(1));
    assert_eq!(receive(&client, &url).await.len(), 2);
}

#[tokio::test]
async fn a_message_that_fails_too_often_goes_to_the_dead_letters_and_back() {
    let (engine, clock) = memory();
    let client = sqs(&engine, CALLER);
    let dead = queue(&client, "dead", &[]).await;
    let policy =
        r#"{"deadLetterTargetArn":"arn:aws:sqs:local:000000000000:dead","maxReceiveCount":"2"}"#;
    let url = queue(&client, "work", &[(QueueAttributeName::RedrivePolicy, policy)]).await;
    send(&client, &url, "poison").await;
    for _ in 0..2 {
        assert_eq!(receive(&client, &url).await.len(), 1);
        clock.advance(Duration::from_secs(30));
    }
    assert!(receive(&client, &url).await.is_empty());
    let depths = engine.queues().depths().unwrap();
    assert_eq!((depths[0].name.as_str(), depths[0].visible), ("dead", 1));
    assert_eq!((depths[1].visible, depths[1].dead_letters), (0, 1));
    let buried = receive(&client, &dead).await.remove(0);
    let source =
        &buried.attributes().unwrap()[&MessageSystemAttributeName::DeadLetterQueueSourceArn];
    assert_eq!(source, "arn:aws:sqs:local:000000000000:work");
    let arn = "arn:aws:sqs:local:000000000000:dead";
    client.start_message_move_task().source_arn(arn).send().await.unwrap();
    let again = receive(&client, &url).await.remove(0);
    assert_eq!((again.body(), count(&again)), (Some("poison"), "1"));
    assert_eq!(again.message_id(), buried.message_id());
}

#[tokio::test]
async fn batches_keep_their_limits_and_fail_by_entry() {
    let (engine, _) = memory();
    let client = sqs(&engine, CALLER);
    let url = queue(&client, "work", &[]).await;
    let entry = |id: i32, body: &str| {
        let entry = SendMessageBatchRequestEntry::builder().id(format!("m{id}"));
        entry.message_body(body).delay_seconds(if id == 3 { 901 } else { 0 }).build().unwrap()
    };
    let batch = |count: i32, body: &str| {
        let entries = (0..count).map(|id| entry(id, body)).collect();
        client.send_message_batch().queue_url(&url).set_entries(Some(entries)).send()
    };
    let done = batch(10, "hello").await.unwrap();
    assert_eq!((done.successful().len(), done.failed().len()), (9, 1));
    assert_eq!((done.failed()[0].id(), done.failed()[0].sender_fault()), ("m3", true));
    let error = batch(11, "hello").await.unwrap_err().into_service_error();
    assert!(error.is_too_many_entries_in_batch_request(), "{error:?}");
    let error = batch(0, "hello").await.unwrap_err().into_service_error();
    assert!(error.is_empty_batch_request(), "{error:?}");
    let error = batch(2, &"x".repeat(600_000)).await.unwrap_err().into_service_error();
    assert!(error.is_batch_request_too_long(), "{error:?}");
    let twice = client.send_message_batch().queue_url(&url).entries(entry(1, "a"));
    let error = twice.entries(entry(1, "b")).send().await.unwrap_err().into_service_error();
    assert!(error.is_batch_entry_ids_not_distinct(), "{error:?}");

    let received = receive(&client, &url).await;
    assert_eq!(received.len(), 9);
    let handle = |i: usize| received[i].receipt_handle().unwrap();
    let change = |id: &str, handle: &str| {
        let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(id);
        entry.receipt_handle(handle).visibility_timeout(0).build().unwrap()
    };
    let changed = client.change_message_visibility_batch().queue_url(&url);
    let changed = changed.entries(change("a", handle(0))).entries(change("b", "rubbish"));
    let changed = changed.send().await.unwrap();
    assert_eq!((changed.successful().len(), changed.failed().len()), (1, 1));
    assert_eq!(receive(&client, &url).await.len(), 1);
    let delete = |i: usize| {
        let entry = DeleteMessageBatchRequestEntry::builder().id(format!("m{i}"));
        entry.receipt_handle(handle(i)).build().unwrap()
    };
    let deleted = client.delete_message_batch().queue_url(&url);
    deleted.set_entries(Some((1..9).map(delete).collect())).send().await.unwrap();
    assert_eq!(engine.queues().depths().unwrap()[0].in_flight, 1);
}

#[tokio::test]
async fn bodies_and_sizes_are_checked() {
    let (engine, _) = memory();
    let client = sqs(&engine, CALLER);
    let url = queue(&client, "work", &[]).await;
    let send = |body: String| client.send_message().queue_url(&url).message_body(body).send();
    send("x".repeat(1_048_576)).await.unwrap();
    send("x".repeat(1_048_577)).await.unwrap_err();
    send(String::new()).await.unwrap_err();
    let error = send("\u{b}".into()).await.unwrap_err().into_service_error();
    assert!(error.is_invalid_message_contents(), "{error:?}");
    let absent = client.send_message().queue_url("http://elsewhere/1/absent").message_body("x");
    let error = absent.send().await.unwrap_err().into_service_error();
    assert!(error.is_queue_does_not_exist(), "{error:?}");
}

#[tokio::test]
async fn attributes_travel_with_the_checksum_of_the_service() {
    let (engine, _) = memory();
    let client = sqs(&engine, CALLER);
    let url = queue(&client, "work", &[]).await;
    let number = MessageAttributeValue::builder().data_type("Number").string_value("1493147359900");
    let sent = client.send_message().queue_url(&url).message_body("x");
    let sent = sent.message_attributes("timestamp", number.build().unwrap()).send().await.unwrap();
    assert_eq!(sent.md5_of_message_attributes(), Some("235c5c510d26fb653d073faed50ae77c"));
    let receive = client.receive_message().queue_url(&url).visibility_timeout(0);
    let plain = receive.clone().send().await.unwrap().messages.unwrap().remove(0);
    assert!(plain.message_attributes().is_none() && plain.attributes().is_none());
    let all = receive.message_attribute_names("All").send().await.unwrap();
    let message = &all.messages()[0];
    assert_eq!(message.message_attributes().unwrap()["timestamp"].data_type(), "Number");
    assert_eq!(message.md5_of_message_attributes(), Some("235c5c510d26fb653d073faed50ae77c"));
}

#[tokio::test]
async fn queues_are_described_changed_purged_and_deleted() {
    let (engine, _) = memory();
    let client = sqs(&engine, CALLER);
    let url = queue(&client, "work", &[(QueueAttributeName::VisibilityTimeout, "45")]).await;
    assert_eq!(queue(&client, "work", &[]).await, url);
    let other = client.create_queue().queue_name("work");
    let other = other.attributes(QueueAttributeName::VisibilityTimeout, "46");
    let error = other.send().await.unwrap_err().into_service_error();
    assert!(error.is_queue_name_exists(), "{error:?}");
    send(&client, &url, "x").await;
    let described = client.get_queue_attributes().queue_url(&url);
    let described = described.attribute_names(QueueAttributeName::All).send().await.unwrap();
    let attributes = described.attributes().unwrap();
    assert_eq!(attributes[&QueueAttributeName::VisibilityTimeout], "45");
    assert_eq!(attributes[&QueueAttributeName::ApproximateNumberOfMessages], "1");
    let change = client.set_queue_attributes().queue_url(&url);
    change.attributes(QueueAttributeName::DelaySeconds, "7").send().await.unwrap();
    client.purge_queue().queue_url(&url).send().await.unwrap();
    assert_eq!(engine.queues().depths().unwrap()[0].visible, 0);
    assert_eq!(client.list_queues().send().await.unwrap().queue_urls()[0], url);
    assert_eq!(
        client.get_queue_url().queue_name("work").send().await.unwrap().queue_url,
        Some(url.clone())
    );
    client.delete_queue().queue_url(&url).send().await.unwrap();
    let error = client.get_queue_url().queue_name("work").send().await.unwrap_err();
    assert!(error.into_service_error().is_queue_does_not_exist());
    let fifo = client.create_queue().queue_name("work.fifo").send().await.unwrap_err();
    assert_eq!(fifo.raw_response().unwrap().status().as_u16(), 400);
}

fn bounded<F: Future>(work: F) -> tokio::time::Timeout<F> {
    tokio::time::timeout(Duration::from_secs(10), work)
}

#[tokio::test]
async fn a_long_poll_ends_with_a_message_or_when_the_clock_says_so() {
    let (engine, clock) = memory();
    let client = sqs(&engine, CALLER);
    let url = queue(&client, "work", &[]).await;
    let poll = || {
        let poll = client.receive_message().queue_url(&url).wait_time_seconds(20);
        tokio::spawn(async move { poll.send().await.unwrap().messages.unwrap_or_default() })
    };
    let waiting = poll();
    send(&client, &url, "sent while somebody waits").await;
    assert_eq!(bounded(waiting).await.unwrap().unwrap().len(), 1);

    let later = client.send_message().queue_url(&url).message_body("later").delay_seconds(10);
    later.send().await.unwrap();
    // The clock goes on until the poll, which starts at some moment of its own, has ended.
    let move_on = async |poll: &tokio::task::JoinHandle<_>| {
        while !poll.is_finished() {
            clock.advance(Duration::from_secs(1));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let waiting = poll();
    bounded(move_on(&waiting)).await.unwrap();
    assert_eq!(waiting.await.unwrap().len(), 1);

    engine.queues().purge("work").unwrap();
    let waiting = poll();
    bounded(move_on(&waiting)).await.unwrap();
    assert!(waiting.await.unwrap().is_empty());
}

#[test]
fn what_is_too_old_is_dropped_and_the_rust_side_sees_the_same() {
    let (engine, clock) = memory();
    let queues = engine.queues();
    queues.create(&QueueSpec::new("work").retention_s(60).visibility_s(10)).unwrap();
    queues.send("work", "old", None).unwrap();
    clock.advance(Duration::from_secs(30));
    queues.send("work", "young", None).unwrap();
    clock.advance(Duration::from_secs(30));
    let received = queues.receive("work", 10, None).unwrap();
    assert_eq!(received.len(), 1);
    assert_eq!((received[0].body.as_str(), received[0].receives), ("young", 1));
    let handle = &received[0].receipt_handle;
    queues.change_visibility("work", handle, Duration::from_secs(1)).unwrap();
    assert_eq!(queues.next_due().unwrap(), Some(clock.now() + Duration::from_secs(1)));
    queues.delete("work", handle).unwrap();
    queues.change_visibility("work", handle, Duration::ZERO).unwrap_err();
    queues.receive("absent", 1, None).unwrap_err();
    queues.create(&QueueSpec::new("bad").delay_s(901)).unwrap_err();
    queues.create(&QueueSpec::new("bad").redrive("absent", 3)).unwrap_err();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_callers_get_every_message_once() {
    let (engine, _) = memory();
    let client = sqs(&engine, CALLER);
    let url = queue(&client, "work", &[]).await;
    let callers: Vec<_> = (0..64)
        .map(|caller| {
            let (client, url) = (client.clone(), url.clone());
            tokio::spawn(async move {
                let mut got = Vec::new();
                for number in 0..4 {
                    send(&client, &url, &format!("{caller}/{number}")).await;
                    let messages = receive(&client, &url).await;
                    got.extend(messages.into_iter().map(|message| message.body.unwrap()));
                }
                got
            })
        })
        .collect();
    let mut got = Vec::new();
    for caller in callers {
        got.extend(caller.await.unwrap());
    }
    got.extend(receive(&client, &url).await.into_iter().map(|message| message.body.unwrap()));
    let all = got.len();
    got.sort();
    got.dedup();
    assert_eq!((all, got.len()), (256, 256));
}

//! Deliveries against a Bot API on a free port.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router};
use engine::{CrashMode, CrashPlan};
use http::StatusCode;
use serde_json::{Value, json};
use shared::outbox::{Entry, State as Stands};

use super::*;
use crate::testing::{OUTBOX, World};

/// How the Bot API answers.
#[derive(Clone, Copy, Debug)]
enum Mood {
    Fine,
    Flooded,
    Blocked,
    Revoked,
    Failing,
    Silent,
}

#[derive(Clone)]
struct Bot(Arc<Mutex<(Mood, Vec<Value>)>>);

impl Bot {
    async fn start() -> (Self, String) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let bot = Self(Arc::new(Mutex::new((Mood::Fine, Vec::new()))));
        let router = Router::new().route("/{token}/{method}", post(answer)).with_state(bot.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (bot, url)
    }

    fn mood(&self, mood: Mood) {
        self.0.lock().unwrap().0 = mood;
    }

    fn calls(&self) -> Vec<Value> {
        self.0.lock().unwrap().1.clone()
    }
}

async fn answer(
    State(bot): State<Bot>,
    Path((token, method)): Path<(String, String)>,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    assert_eq!((token.as_str(), method.as_str()), ("bot7000000001:local-club", "sendMessage"));
    let mood = {
        let mut state = bot.0.lock().unwrap();
        state.1.push(body);
        state.0
    };
    let refused = |code: u16, description: &str, parameters: Value| {
        let body = json!({
            "ok": false, "error_code": code, "description": description, "parameters": parameters,
        });
        (StatusCode::from_u16(code).unwrap(), Json(body))
    };
    match mood {
        Mood::Fine => (StatusCode::OK, Json(json!({ "ok": true, "result": { "message_id": 5 } }))),
        Mood::Flooded => refused(429, "Too Many Requests", json!({ "retry_after": 7 })),
        Mood::Blocked => refused(403, "Forbidden: bot was blocked by the user", json!({})),
        Mood::Revoked => refused(401, "Unauthorized", json!({})),
        Mood::Failing => refused(500, "Internal Server Error", json!({})),
        Mood::Silent => std::future::pending().await,
    }
}

async fn world() -> (World, Bot) {
    let (bot, url) = Bot::start().await;
    (World::with(&[("TELEGRAM_API_URL", url.as_str())]).await, bot)
}

/// Asks for a message and relays it, as the change stream would.
async fn asked(world: &World, id: &str, message: &Message) {
    let write = ask(id, message, world.now()).unwrap();
    world.table().transact(vec![write]).await.unwrap();
    let instance = world.start(relay()).await;
    let answer = world.run(&instance, &change(world, id).await).await.0.unwrap();
    assert_eq!(answer["batchItemFailures"], json!([]));
}

/// What the change stream tells of a new row.
async fn change(world: &World, id: &str) -> Value {
    let item = world.items("Outbox").await.into_iter().find(|item| item["id"]["S"] == id).unwrap();
    json!({ "Records": [{
        "eventID": "1", "eventName": "INSERT", "eventSource": "aws:dynamodb",
        "eventVersion": "1.1", "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_768_900_000,
            "Keys": { "pk": item["pk"], "sk": item["sk"] }, "NewImage": item,
            "SequenceNumber": "17", "SizeBytes": 1, "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }] })
}

async fn stands(world: &World, id: &str) -> Stands {
    world.table().get::<Entry>(&Entry::key_of(id)).await.unwrap().unwrap().state
}

fn hello(tg_id: i64) -> Message {
    Message::PaymentNotCompleted { tg_id }
}

#[tokio::test]
async fn a_message_is_sent_once_however_often_it_is_hinted_at() {
    let (world, bot) = world().await;
    let until = "2026-03-02T12:00:00Z".parse().unwrap();
    let message = Message::Congratulation { tg_id: 7, until, energies: 500 };
    asked(&world, "congrats:1", &message).await;
    for _ in 0..4 {
        world.engine.queues().send(OUTBOX, r#"{"outbox_id":"congrats:1"}"#, None).unwrap();
    }
    world.engine.queues().send(OUTBOX, r#"{"outbox_id":"unknown"}"#, None).unwrap();
    while world.deliver(deliver(), OUTBOX).await.0 > 0 {}
    assert_eq!(bot.calls().len(), 1);
    assert_eq!(bot.calls()[0]["chat_id"], 7);
    assert!(bot.calls()[0]["text"].as_str().unwrap().contains("до 02.03.2026"));
    assert_eq!(stands(&world, "congrats:1").await, Stands::Sent);
}

#[tokio::test]
async fn a_delivery_takes_five_requests() {
    let (world, _bot) = world().await;
    asked(&world, "a", &hello(7)).await;
    let instance = world.start(deliver()).await;
    let event = json!({ "Records": [{
        "messageId": "1", "body": r#"{"outbox_id":"a"}"#, "attributes": {},
        "messageAttributes": {}, "eventSource": "aws:sqs",
    }] });
    let (answer, cost) = world.run(&instance, &event).await;
    assert_eq!(answer.unwrap()["batchItemFailures"], json!([]));
    assert_eq!((cost.requests, cost.items, cost.messages), (5, 4, 0));
}

#[tokio::test]
async fn who_blocked_the_bot_is_not_asked_again() {
    let (world, bot) = world().await;
    bot.mood(Mood::Blocked);
    asked(&world, "a", &hello(7)).await;
    assert_eq!(world.deliver(deliver(), OUTBOX).await, (1, 0));
    assert_eq!((bot.calls().len(), world.depth(OUTBOX)), (1, 0));
    assert_eq!(stands(&world, "a").await, Stands::Refused);
}

#[tokio::test]
async fn a_flood_waits_as_told_and_holds_the_others() {
    let (world, bot) = world().await;
    bot.mood(Mood::Flooded);
    asked(&world, "a", &hello(7)).await;
    assert_eq!(world.deliver(deliver(), OUTBOX).await, (1, 0));
    bot.mood(Mood::Fine);
    asked(&world, "b", &hello(8)).await;
    assert_eq!(world.deliver(deliver(), OUTBOX).await, (1, 0));
    assert_eq!(bot.calls().len(), 1);
    world.pass(Duration::from_secs(6));
    assert_eq!(world.deliver(deliver(), OUTBOX).await, (0, 0));
    world.pass(Duration::from_secs(4));
    while world.deliver(deliver(), OUTBOX).await.0 > 0 {}
    assert_eq!(bot.calls().len(), 3);
    for id in ["a", "b"] {
        assert_eq!(stands(&world, id).await, Stands::Sent);
    }
}

#[tokio::test]
async fn a_definite_failure_comes_again_three_times() {
    let (world, bot) = world().await;
    bot.mood(Mood::Failing);
    asked(&world, "a", &hello(7)).await;
    for (calls, pause) in [(1, 2), (2, 6), (3, 16), (4, 60)] {
        assert_eq!(world.deliver(deliver(), OUTBOX).await, (1, 0));
        assert_eq!(bot.calls().len(), calls);
        assert_eq!(world.deliver(deliver(), OUTBOX).await, (0, 0), "nothing is due yet");
        world.pass(Duration::from_secs(pause));
    }
    assert_eq!((world.depth(OUTBOX), stands(&world, "a").await), (0, Stands::Refused));
}

#[tokio::test]
async fn what_a_wrong_token_cannot_send_waits_for_the_right_one() {
    let (world, bot) = world().await;
    bot.mood(Mood::Revoked);
    asked(&world, "a", &hello(7)).await;
    for calls in 1..8 {
        assert_eq!(world.deliver(deliver(), OUTBOX).await, (1, 0));
        assert_eq!((bot.calls().len(), stands(&world, "a").await), (calls, Stands::Pending));
        assert_eq!(world.deliver(deliver(), OUTBOX).await, (0, 0), "nothing is due yet");
        world.pass(Duration::from_secs(61));
    }
    bot.mood(Mood::Fine);
    assert_eq!(world.deliver(deliver(), OUTBOX).await, (1, 0));
    assert_eq!(stands(&world, "a").await, Stands::Sent);
}

#[tokio::test]
async fn what_may_have_arrived_is_never_sent_again() {
    let (world, bot) = world().await;
    bot.mood(Mood::Silent);
    asked(&world, "a", &hello(7)).await;
    assert_eq!(world.deliver(deliver(), OUTBOX).await, (1, 0));
    assert_eq!(stands(&world, "a").await, Stands::Unconfirmed);
    bot.mood(Mood::Fine);
    world.pass(Duration::from_secs(600));
    world.engine.queues().send(OUTBOX, r#"{"outbox_id":"a"}"#, None).unwrap();
    assert_eq!(world.deliver(deliver(), OUTBOX).await, (1, 0));
    assert_eq!(world.tick(sweep()).await.unwrap()["found"], 0);
    assert_eq!(bot.calls().len(), 1);
}

#[tokio::test]
async fn an_alert_without_a_chat_is_over() {
    let (world, bot) = world().await;
    asked(&world, "a", &Message::AdminAlert { text: "look".to_owned() }).await;
    assert_eq!(world.deliver(deliver(), OUTBOX).await, (1, 0));
    assert_eq!((bot.calls().len(), stands(&world, "a").await), (0, Stands::Sent));
}

#[tokio::test]
async fn an_alert_goes_to_the_chat_of_those_who_run_the_club() {
    let (bot, url) = Bot::start().await;
    let settings = [("TELEGRAM_API_URL", url.as_str()), ("ADMIN_CHAT_ID", "-100500")];
    let world = World::with(&settings).await;
    asked(&world, "a", &Message::AdminAlert { text: "look".to_owned() }).await;
    assert_eq!(world.deliver(deliver(), OUTBOX).await, (1, 0));
    assert_eq!(bot.calls()[0]["chat_id"], -100_500);
}

#[tokio::test]
async fn the_sweep_finds_what_the_stream_lost() {
    let (world, bot) = world().await;
    for n in 0..30 {
        let write = ask(&format!("m{n}"), &hello(n + 1), world.now()).unwrap();
        world.table().transact(vec![write]).await.unwrap();
    }
    world.pass(Duration::from_secs(119));
    assert_eq!(world.tick(sweep()).await.unwrap()["found"], 0);
    world.pass(Duration::from_secs(1));
    let swept = world.tick(sweep()).await.unwrap();
    assert_eq!(swept, json!({ "lease_held": false, "found": 30, "complete": true }));
    let mut rounds = 0;
    while world.depth(OUTBOX) > 0 {
        rounds += 1;
        assert!(rounds < 30, "{} left", world.depth(OUTBOX));
        world.deliver(deliver(), OUTBOX).await;
        world.pass(Duration::from_secs(1));
    }
    assert_eq!(bot.calls().len(), 30);
    world.pass(Duration::from_secs(300));
    assert_eq!(world.tick(sweep()).await.unwrap()["found"], 0);
}

#[tokio::test]
async fn death_at_any_call_never_sends_twice() {
    for mode in [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer] {
        for at in 0.. {
            let (world, bot) = world().await;
            asked(&world, "a", &hello(7)).await;
            let caller = Some("local-club-outbox-deliver".to_owned());
            world.engine.faults().crash(CrashPlan { caller, at, mode });
            world.deliver(deliver(), OUTBOX).await;
            let crashed = world.engine.faults().crashed();
            world.engine.faults().clear();
            let sent = bot.calls().len();
            for _ in 0..8 {
                world.pass(Duration::from_secs(90));
                world.deliver(deliver(), OUTBOX).await;
            }
            let stands = stands(&world, "a").await;
            assert!(bot.calls().len() <= 1, "{mode:?} {at}");
            match stands {
                Stands::Sent => assert_eq!(bot.calls().len(), 1, "{mode:?} {at}"),
                // The claim had committed: nobody could know whether the message had left.
                Stands::Unconfirmed => assert_eq!(bot.calls().len(), sent, "{mode:?} {at}"),
                other => panic!("{mode:?} {at}: {other:?}"),
            }
            if !crashed {
                assert!(at >= 5 && stands == Stands::Sent);
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_row_that_the_queue_did_not_take_comes_again() {
    let (world, _bot) = world().await;
    let refused = engine::Fault::new(engine::Target::Sqs, engine::FaultKind::Error);
    world.engine.faults().inject(refused);
    let write = ask("a", &hello(7), world.now()).unwrap();
    world.table().transact(vec![write]).await.unwrap();
    let instance = world.start(relay()).await;
    let event = change(&world, "a").await;
    let failed = json!({ "batchItemFailures": [{ "itemIdentifier": "17" }] });
    assert_eq!(world.run(&instance, &event).await.0.unwrap(), failed);
    world.engine.faults().clear();
    let (answer, cost) = world.run(&instance, &event).await;
    assert_eq!(answer.unwrap()["batchItemFailures"], json!([]));
    assert_eq!((cost.requests, cost.messages, world.depth(OUTBOX)), (0, 1, 1));
}

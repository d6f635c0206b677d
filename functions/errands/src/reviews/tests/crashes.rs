//! The process dies at every call to the store, or the store fails it; whoever comes again heals
//! it.

use engine::{CrashMode, CrashPlan, Fault, FaultKind, Target, When};
use serde_json::{Value, json};
use shared::function::Function;

use super::super::{complain, review};
use super::{CLIENT, EXECUTORS, order, world};
use crate::App;
use crate::orders::{self, Status};
use crate::testing::{Person, Reply, Request, World};

const ID: &str = "abcdefghijkl";
const MODES: [CrashMode; 3] = [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer];
const KINDS: [FaultKind; 5] = [
    FaultKind::Throttle,
    FaultKind::Conflict,
    FaultKind::FailBefore,
    FaultKind::LostAnswer,
    FaultKind::Error,
];

/// Something that is said once.
#[derive(Clone, Copy, Debug)]
enum Said {
    Review,
    Complaint,
}

impl Said {
    fn function(self) -> Function<App> {
        match self {
            Self::Review => review(),
            Self::Complaint => complain(),
        }
    }

    fn request(self, world: &World, key: bool) -> Request {
        let (who, path, body): (_, _, Value) = match self {
            Self::Review => (CLIENT, "client", json!({ "order_id": ID, "rating": 4 })),
            Self::Complaint => {
                let body = json!({ "order_id": ID, "complaint": "Другое" });
                (EXECUTORS[0], "executor", body)
            }
        };
        let by = world.sign_in(&Person::new(who, if who == CLIENT { "Анна" } else { "Иван" }));
        let request = Request::post(&format!("/api/reviews/{path}"), body).by(&by);
        if key { request.header("idempotency-key", "same") } else { request }
    }

    async fn say(self, world: &World, key: bool) -> Reply {
        world.call(self.function(), self.request(world, key)).await
    }

    /// It was said exactly once, with all that it moves.
    async fn check(self, world: &World) {
        let (executor, client) = (world.user(EXECUTORS[0]).await, world.user(CLIENT).await);
        match self {
            Self::Review => {
                assert_eq!((executor.rating_sum, executor.rating_count), (4, 1));
                assert_eq!((1..=5).map(|n| executor.rated(Some(n))).sum::<i64>(), 1);
                assert_eq!(executor.rated(Some(4)), 1);
                assert_eq!(world.items("Review").await.len(), 1);
                let order = orders::find(world.table(), ID).await.unwrap().unwrap();
                assert_eq!(order.review.unwrap().rating, 4);
            }
            Self::Complaint => {
                assert_eq!(client.complaints, 1);
                assert_eq!(world.items("Complaint").await.len(), 1);
            }
        }
    }
}

async fn scene() -> World {
    let world = world().await;
    world.put(&order(ID, Status::Completed, &EXECUTORS, world.now())).await;
    world
}

#[tokio::test]
async fn what_dies_anywhere_is_said_once() {
    for said in [Said::Review, Said::Complaint] {
        let caller = format!("local-{}", said.function().declaration().name);
        for key in [false, true] {
            let world = scene().await;
            world.engine.faults().reset_counts();
            assert_eq!(said.say(&world, key).await.status, 200);
            let calls = world.engine.faults().seen(Some(&caller));
            assert_eq!(calls, 4, "{said:?}"); // the limit, the caller, the order, the transaction
            for at in 0..calls {
                for mode in MODES {
                    let world = scene().await;
                    let faults = world.engine.faults();
                    faults.crash(CrashPlan { caller: Some(caller.clone()), at, mode });
                    let first = said.say(&world, key).await.status.as_u16();
                    faults.clear();
                    let second = said.say(&world, key).await.status.as_u16();
                    let again = if key { 200 } else { 409 };
                    assert!(
                        [(200, again), (503, 200), (503, again)].contains(&(first, second)),
                        "{said:?} {key} {mode:?} at {at}: {first} {second}"
                    );
                    said.check(&world).await;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_store_that_fails_any_call_once_changes_nothing_for_good() {
    // At once, as most of it is waiting between tries.
    let mut running = tokio::task::JoinSet::new();
    for said in [Said::Review, Said::Complaint] {
        for kind in KINDS {
            for nth in 0..4 {
                running.spawn(fails_once(said, kind, nth));
            }
        }
    }
    running.join_all().await;
}

async fn fails_once(said: Said, kind: FaultKind, nth: u64) {
    let caller = format!("local-{}", said.function().declaration().name);
    let world = scene().await;
    let fault = Fault::new(Target::Dynamodb, kind);
    world.engine.faults().inject(fault.when(When::Calls(vec![nth])).caller(&caller));
    let first = said.say(&world, true).await;
    world.engine.faults().clear();
    assert!([200, 503].contains(&first.status.as_u16()), "{said:?} {kind:?} {nth}");
    assert_eq!(said.say(&world, true).await.status, 200, "{said:?} {kind:?} {nth}");
    said.check(&world).await;
}

#[tokio::test]
async fn conflicts_that_never_end_are_told_to_come_again() {
    let world = scene().await;
    let fault = Fault::new(Target::Dynamodb, FaultKind::Conflict).operation("TransactWriteItems");
    world.engine.faults().inject(fault);
    let told = Said::Review.say(&world, true).await;
    let detail = "Service is temporarily unavailable";
    assert_eq!(told.refusal(), (503, "unavailable", detail));
    assert_eq!(told.headers["retry-after"], "1");
    world.engine.faults().clear();
    assert_eq!(Said::Review.say(&world, true).await.status, 200);
    Said::Review.check(&world).await;
}

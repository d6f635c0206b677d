//! The process dies at every call to a store; what comes after heals it.

use engine::{CrashMode, CrashPlan};

use super::*;

const MODES: [CrashMode; 3] = [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer];

fn plan(function: &str, at: u64, mode: CrashMode) -> CrashPlan {
    CrashPlan { caller: Some(format!("local-{function}")), at, mode }
}

/// Kills a function at each of its calls, in each way, and sends the same request again.
async fn dies(
    function: fn() -> Function<App>,
    request: impl Fn() -> Request,
    check: impl AsyncFn(&World, &str),
) {
    let name = function().declaration().name;
    for mode in MODES {
        for at in 0.. {
            let world = World::new().await;
            world.member(ANNA).await;
            store::award(world.table(), ANNA, &pay(1, 100), world.now()).await.unwrap();
            world.engine.faults().crash(plan(name, at, mode));
            let first = world.call(function(), request()).await;
            let crashed = world.engine.faults().crashed();
            world.engine.faults().clear();
            assert!(matches!(first.status.as_u16(), 200 | 503), "{mode:?} at {at}: {}", first.body);
            holds(&world, ANNA).await;
            let again = world.call(function(), request()).await;
            assert_eq!(again.status, 200, "{mode:?} at {at}: {}", again.body);
            check(&world, &format!("{mode:?} at {at}")).await;
            if !crashed {
                assert!(at >= 1, "nothing was killed");
                break;
            }
        }
    }
}

#[tokio::test]
async fn what_is_given_and_taken_by_hand_is_so_once() {
    let wish = |path: &str| {
        let body = json!({ "userId": ANNA, "amount": 40, "reason": "x" });
        asked(path, body).header("idempotency-key", "one")
    };
    dies(
        award_by_hand,
        || wish("/api/v1/energies/award"),
        async |world, when| {
            assert_eq!(holds(world, ANNA).await.0.balance, 140, "{when}");
        },
    )
    .await;
    dies(
        spend_by_hand,
        || wish("/api/v1/energies/spend"),
        async |world, when| {
            assert_eq!(holds(world, ANNA).await.0.balance, 60, "{when}");
        },
    )
    .await;
}

#[tokio::test]
async fn a_trigger_gives_once() {
    let path = "/api/v1/energies/triggers/";
    let at = |name: &str, body: &Value| asked(&format!("{path}{name}"), body.clone());
    let body = json!({ "userId": ANNA, "lessonId": "x", "practiceId": "x" });
    dies(
        daily_login,
        || at("daily-login", &body),
        async |world, when| {
            assert_eq!(holds(world, ANNA).await.0.balance, 110, "{when}");
        },
    )
    .await;
    dies(
        lesson_view,
        || at("lesson-view", &body),
        async |world, when| {
            assert_eq!(holds(world, ANNA).await.0.balance, 120, "{when}");
        },
    )
    .await;
    dies(
        sunday_practice,
        || at("sunday-practice", &body),
        async |world, when| {
            assert_eq!(holds(world, ANNA).await.0.balance, 150, "{when}");
        },
    )
    .await;
}

#[tokio::test]
async fn a_city_s_chat_is_set() {
    let request = || {
        let path = format!("/api/admin/city-chats/{CITY_CHAT}");
        asked(&path, json!({ "city": "Орёл" })).method(http::Method::PUT)
    };
    dies(set_city_chat, request, async |world, when| {
        assert_eq!(world.items("CityChat").await.len(), 1, "{when}");
    })
    .await;
}

#[tokio::test]
async fn a_run_of_the_expiry_that_dies_anywhere_takes_once() {
    let name = "club-energies-expire";
    let prepared = async || {
        let world = World::new().await;
        world.member(ANNA).await;
        for n in 1..=2 {
            store::award(world.table(), ANNA, &pay(n, 100), world.now()).await.unwrap();
        }
        store::spend(world.table(), ANNA, &refund(1, 150), world.now()).await.unwrap();
        world.pass(Duration::from_secs(181 * 86_400));
        world
    };
    let world = prepared().await;
    world.engine.faults().reset_counts();
    world.tick(expire()).await.unwrap();
    let calls = world.engine.faults().seen(Some(&format!("local-{name}")));
    assert!(calls >= 9, "{calls}");
    for at in 0..calls {
        for mode in MODES {
            let world = prepared().await;
            world.engine.faults().crash(plan(name, at, mode));
            let _ = world.tick(expire()).await;
            world.engine.faults().clear();
            holds(&world, ANNA).await;
            // The lease of a run that died ends by itself.
            world.pass(Duration::from_secs(120));
            let ran = world.tick(expire()).await.unwrap();
            assert_eq!((&ran["lease_held"], &ran["complete"]), (&json!(false), &json!(true)));
            let (member, entries) = holds(&world, ANNA).await;
            assert_eq!((member.balance, entries.len()), (0, 4), "{mode:?} at {at}");
            assert!(entries.iter().any(|e| e.key == "expire:payment:p2" && e.delta == -50));
        }
    }
}

#[tokio::test]
async fn a_message_whose_hearing_dies_anywhere_counts_once() {
    let texts = [
        (TEAM_CHAT, "#отчет", json!({}), 50, 1),
        (CITY_CHAT, "#созвон #практика #инсайт", photo(), 140, 3),
    ];
    for (chat, text, media, balance, told) in texts {
        for mode in MODES {
            for at in 0.. {
                let club = Club::open().await;
                club.take(&posted(1, chat, ANNA, 1, text, media.clone())).await;
                club.world.engine.faults().crash(plan("club-bot-update", at, mode));
                club.world.deliver(crate::bot::update(), UPDATES).await;
                let crashed = club.world.engine.faults().crashed();
                club.world.engine.faults().clear();
                holds(&club.world, ANNA).await;
                // The queue brings it again.
                club.pass(600);
                club.hear(&posted(1, chat, ANNA, 1, text, media.clone())).await;
                let when = format!("{mode:?} at {at}");
                assert_eq!(
                    (club.balance().await, club.told().await.len()),
                    (balance, told),
                    "{when}"
                );
                assert_eq!(club.reactions().await.len(), 1, "{when}");
                if !crashed {
                    assert!(at >= 2, "nothing was killed");
                    break;
                }
            }
        }
    }
}

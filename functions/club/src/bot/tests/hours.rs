//! When members may write in the chats that have hours.

use std::time::Duration;

use super::*;
use crate::bot::hours::is_open;
use crate::bot::{Sundays, hours};
use crate::testing::BotMood;

const SET: &str = "setChatPermissions";

async fn chats(settings: &[(&str, &str)]) -> (World, BotServer) {
    let bot = BotServer::start().await;
    let mut all = vec![("TELEGRAM_API_URL", bot.url.as_str())];
    all.extend_from_slice(settings);
    (World::with(&all).await, bot)
}

#[test]
fn chats_are_open_from_seven_to_nineteen_and_on_sundays_as_is_configured() {
    for (at, usually, resting) in [
        ("2026-01-31T06:59:59Z", false, false),
        ("2026-01-31T07:00:00Z", true, true),
        ("2026-01-31T18:59:59Z", true, true),
        ("2026-01-31T19:00:00Z", false, false),
        // Sunday.
        ("2026-02-01T07:00:00Z", true, false),
        ("2026-02-01T18:00:00Z", true, false),
        ("2026-02-02T00:00:00Z", false, false),
        ("2026-02-02T07:00:00Z", true, true),
    ] {
        let at = at.parse().unwrap();
        assert_eq!(is_open(at, Sundays::Open), usually, "{at}");
        assert_eq!(is_open(at, Sundays::Closed), resting, "{at}");
    }
}

#[tokio::test]
async fn the_state_of_every_chat_is_set_however_often() {
    let (world, bot) = chats(&[("CHAT_HOURS_IDS", "-100, -200,-100")]).await;
    for _ in 0..2 {
        let run = world.tick(hours()).await.unwrap();
        let all = json!({
            "lease_held": false, "open": true, "chats": 2, "failed": 0, "complete": true,
        });
        assert_eq!(run, all);
    }
    // It is noon; seven hours later it is nineteen.
    world.pass(Duration::from_secs(7 * 3_600));
    assert_eq!(world.tick(hours()).await.unwrap()["open"], false);
    let set = bot.called(SET);
    let said: Vec<_> = set
        .iter()
        .map(|body| {
            let may = &body["permissions"];
            assert!(may.as_object().unwrap().values().all(|one| *one == may["can_send_messages"]));
            (body["chat_id"].as_i64().unwrap(), may["can_send_messages"].as_bool().unwrap())
        })
        .collect();
    let expected = [(-200, true), (-100, true), (-200, true), (-100, true), (-200, false)];
    assert_eq!((&said[..5], said[5]), (expected.as_slice(), (-100, false)));
}

#[tokio::test]
async fn what_telegram_refuses_keeps_no_other_chat_and_what_it_does_not_answer_is_done_again() {
    let (world, bot) = chats(&[("CHAT_HOURS_IDS", "-100,-200")]).await;
    bot.feel(BotMood::refusing(400, "Bad Request: not enough rights"));
    let run = world.tick(hours()).await.unwrap();
    assert_eq!((&run["failed"], &run["complete"]), (&json!(2), &json!(false)));
    bot.feel(BotMood::Refusing(500, json!({})));
    assert!(world.tick(hours()).await.is_err());
    assert_eq!(bot.called(SET).len(), 4);
    bot.feel(BotMood::Fine);
    assert_eq!(world.tick(hours()).await.unwrap()["complete"], true);
}

#[tokio::test]
async fn where_no_chats_have_hours_nobody_is_asked() {
    let (world, bot) = chats(&[]).await;
    let run = world.tick(hours()).await.unwrap();
    assert_eq!((&run["chats"], &run["complete"]), (&json!(0), &json!(true)));
    assert!(bot.called(SET).is_empty());
    for (name, bad) in [("CHAT_HOURS_IDS", "-100,x"), ("CHAT_HOURS_SUNDAYS", "maybe")] {
        let error = world.start_with(hours(), &[(name, bad)]).await.err().unwrap();
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[tokio::test]
async fn a_run_asks_for_its_lease_alone() {
    let (world, _bot) = chats(&[("CHAT_HOURS_IDS", "-100")]).await;
    world.tick(hours()).await.unwrap();
    let calls = world.engine.calls().of("local-club-chat-hours");
    let asked = calls.into_iter().flat_map(|call| call.permissions).map(|asked| asked.action);
    let asked: std::collections::BTreeSet<_> = asked.collect();
    assert_eq!(asked, ["dynamodb:UpdateItem".to_owned()].into_iter().collect());
}

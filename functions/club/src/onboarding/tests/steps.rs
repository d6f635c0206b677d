//! From the video to the last check-in.

use super::*;
use crate::onboarding::has_begun;

#[tokio::test]
async fn nobody_answers_and_three_reminders_come() {
    let school = School::open().await;
    school.pass(0).await;
    assert_eq!(school.said().await, ["video"]);
    school.pass(19).await;
    assert_eq!(school.said().await, ["video"]);
    school.pass(1).await;
    assert_eq!(school.said().await, ["keyword_1", "video"]);
    school.pass(59).await;
    assert_eq!(school.said().await.len(), 2);
    school.pass(1).await;
    assert_eq!(school.said().await.len(), 3);
    school.pass(120).await;
    assert_eq!(school.said().await, ["keyword_1", "keyword_2", "keyword_3", "video"]);
    // Nothing comes by itself any more, and the keyword still counts.
    assert_eq!(school.world.depth(ONBOARDING), 0);
    school.check().await;
    school.pass(600).await;
    assert_eq!((school.said().await.len(), school.state().await), (4, State::AwaitingKeyword));
    school.says(1, "успех").await;
    assert_eq!(school.state().await, State::AwaitingReady);
}

#[tokio::test]
async fn the_keyword_voids_reminders_and_the_button_ends_it() {
    let school = School::open().await;
    school.pass(10).await;
    school.says(1, " Успех ").await;
    assert_eq!(school.said().await, ["ready", "video"]);
    school.pass(29).await;
    assert_eq!(school.said().await, ["ready", "video"], "the reminder of the 20th minute is void");
    school.pass(1).await;
    assert_eq!(school.said().await, ["ready", "ready_1", "video"]);
    school.presses(2).await;
    assert_eq!(school.state().await, State::OnboardingComplete);
    school.pass(300).await;
    assert_eq!(school.said().await, ["menu", "ready", "ready_1", "video"]);
    // The button once more, and the keyword.
    school.presses(3).await;
    school.says(4, "успех").await;
    assert_eq!(school.said().await.len(), 4);
    school.check().await;
}

#[tokio::test]
async fn a_button_that_nobody_presses_is_not_waited_for() {
    let school = School::open().await;
    school.says(1, "УСПЕХ").await;
    school.pass(209).await;
    assert_eq!(school.state().await, State::AwaitingReady);
    school.pass(1).await;
    assert_eq!(school.state().await, State::OnboardingComplete);
    assert_eq!(school.said().await, ["menu", "ready", "ready_1", "ready_2"]);
    assert_eq!(school.row().await.since, at("2026-01-31T15:30:00Z"));
    school.check().await;
}

#[tokio::test]
async fn other_words_are_hinted_at_and_an_update_counts_once() {
    let school = School::open().await;
    for update_id in [1, 1, 2] {
        school.says(update_id, "успех!").await;
    }
    let hints = async || school.said().await.iter().filter(|line| *line == "hint").count();
    assert_eq!((hints().await, school.state().await), (1, State::AwaitingKeyword));
    school.pass(10).await;
    // An update that had its effect has no other.
    school.says(1, "успех").await;
    assert_eq!((hints().await, school.state().await), (1, State::AwaitingKeyword));
    school.says(3, "мой успех").await;
    assert_eq!((hints().await, school.state().await), (2, State::AwaitingKeyword));
    for update_id in [4, 4] {
        school.says(update_id, "успех").await;
    }
    assert_eq!((hints().await, school.state().await), (2, State::AwaitingReady));
    let ready = school.said().await.iter().filter(|line| *line == "ready").count();
    assert_eq!((ready, school.world.items("TelegramUpdate").await.len()), (1, 3));
}

#[tokio::test]
async fn who_is_not_in_an_onboarding_is_not_heard() {
    let school = School::open().await;
    let now = school.world.now();
    heard(&school.world.app, 7, "успех", &once(1, now), now).await.unwrap();
    pressed(&school.world.app, 7, &once(2, now), now).await.unwrap();
    assert_eq!(school.world.items("TelegramUpdate").await.len(), 0);
    assert_eq!(school.world.items("Onboarding").await.len(), 1);
}

#[tokio::test]
async fn a_new_cycle_begins_anew_and_voids_the_old() {
    let school = School::open().await;
    school.pass(15).await;
    let gift = "gift_01KG9JV9M0SAMPLEGIFT000000";
    school.begin(gift).await;
    assert!(has_begun(&school.world.app, MEMBER, gift).await.unwrap());
    assert!(!has_begun(&school.world.app, MEMBER, CYCLE).await.unwrap());
    school.pass(10).await;
    assert_eq!(school.said().await, ["video", "video"], "the 20th minute of the old cycle");
    school.pass(10).await;
    assert_eq!(school.said().await.len(), 3);
    school.says(1, "успех").await;
    school.presses(2).await;
    // The same cause begins nothing once more.
    let again = begun(MEMBER, gift, school.world.now());
    let refused = school.world.table().transact(vec![again]).await.unwrap_err();
    assert!(refused.refusal().unwrap().has("onboarding"));
    assert_eq!(school.state().await, State::OnboardingComplete);
    school.begin("gift_01KG9JV9M0SAMPLEGIFT000001").await;
    assert_eq!(school.state().await, State::AwaitingKeyword);
}

#[tokio::test]
async fn duplicates_and_strays_say_nothing_twice() {
    let school = School::open().await;
    let queues = school.world.engine.queues();
    let stray = |kind: &str, cycle: &str, member: i64| {
        let due = school.world.now();
        let body = json!({ "member": member, "kind": kind, "cycle": cycle, "due": due });
        queues.send(ONBOARDING, &body.to_string(), None).unwrap();
    };
    for kind in ["video", "keyword_1", "keyword_3", "ready_1", "menu", "gift_offer", "no such"] {
        for (cycle, member) in [(CYCLE, MEMBER), (CYCLE, MEMBER), ("other", MEMBER), (CYCLE, 7)] {
            stray(kind, cycle, member);
        }
    }
    while school.world.deliver(remind(), ONBOARDING).await.0 > 0 {}
    assert_eq!(school.said().await, ["video"]);
    school.relay().await;
    school.relay().await;
    school.pass(20).await;
    assert_eq!(school.said().await, ["keyword_1", "video"]);
    school.check().await;
}

#[tokio::test]
async fn a_message_that_cannot_be_read_fails_alone() {
    let school = School::open().await;
    school.world.engine.queues().send(ONBOARDING, r#"{"member":"x"}"#, None).unwrap();
    assert_eq!(school.world.deliver(remind(), ONBOARDING).await, (2, 1));
    assert_eq!(school.said().await, ["video"]);
}

#[tokio::test]
async fn a_step_costs_one_read_and_one_transaction_of_two() {
    let school = School::open().await;
    let instance = school.world.start(remind()).await;
    let body = json!({
        "member": MEMBER, "kind": "video", "cycle": CYCLE, "due": school.world.now(),
    });
    let event = json!({ "Records": [{
        "messageId": "m", "body": body.to_string(), "attributes": {}, "messageAttributes": {},
    }] });
    let (_, cost) = school.world.run(&instance, &event).await;
    assert_eq!((cost.requests, cost.items, cost.messages), (2, 2, 0));
    let (_, cost) = school.world.run(&instance, &event).await;
    assert_eq!((cost.requests, cost.items, cost.messages), (1, 0, 0));
}

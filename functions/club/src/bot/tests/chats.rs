//! Who comes into the chats of members.

use jiff::SignedDuration;
use shared::clock::days;
use shared::outbox::Hint;

use super::*;
use crate::outbox::deliver;
use crate::testing::OUTBOX;
use crate::texts;

/// Somebody's place in a chat changes.
fn change(update_id: i64, kind: &str, chat: i64, who: &Value, from: &str, to: &str) -> Value {
    let place = |status: &str| json!({ "user": who, "status": status, "until_date": 0 });
    json!({
        "update_id": update_id, kind: {
            "chat": { "id": chat, "type": "supergroup", "title": "Чат" }, "from": person(GIVER),
            "date": 1_769_860_800, "old_chat_member": place(from), "new_chat_member": place(to),
        },
    })
}

fn joins(update_id: i64, chat: i64, who: i64) -> Value {
    change(update_id, "chat_member", chat, &person(who), "left", "member")
}

#[tokio::test]
async fn who_joins_unpaid_is_turned_away_with_a_reason() {
    let desk = Desk::open().await;
    let member = desk.world.member(PERSON).await;
    let over = Some(desk.world.now());
    desk.world.put(&Member { subscription_expires: over, ..member }).await;
    for update in [joins(1, CHAT, PERSON), joins(1, CHAT, PERSON), joins(2, CHAT, STRANGER)] {
        assert_eq!(desk.hear(&update).await, 0);
    }
    assert_eq!(desk.messages("turn_away").await.len(), 2);
    let reasons = desk.messages("answer").await;
    assert_eq!(reasons.len(), 2);
    assert!(reasons.iter().all(|said| said["text"]["S"] == texts::CHAT_UNPAID));
    assert_eq!(desk.count("TelegramUpdate").await, 2);
    let queue = desk.world.app.outbox_queue.as_ref().unwrap();
    for outbox_id in ["turn_away:1", "turn_away:1", "turned_away:1"] {
        let hint = Hint { outbox_id: outbox_id.to_owned() };
        queue.send(&hint, SignedDuration::ZERO).await.unwrap();
        desk.world.deliver(deliver(), OUTBOX).await;
    }
    let (bans, lifts) = (desk.bot.called("banChatMember"), desk.bot.called("unbanChatMember"));
    assert_eq!((bans.len(), lifts.len(), desk.bot.called("sendMessage").len()), (1, 1, 1));
    assert_eq!((&bans[0]["chat_id"], &bans[0]["user_id"]), (&json!(CHAT), &json!(PERSON)));
    assert_eq!((&lifts[0]["user_id"], &lifts[0]["only_if_banned"]), (&json!(PERSON), &json!(true)));
    let order: Vec<_> = desk.bot.books().calls.iter().map(|(method, _)| method.clone()).collect();
    assert_eq!(order, ["banChatMember", "unbanChatMember", "sendMessage"]);
}

#[tokio::test]
async fn who_has_paid_before_their_turn_stays() {
    let desk = Desk::open().await;
    let member = desk.world.member(PERSON).await;
    let ends = |at| Member { subscription_expires: Some(at), ..member.clone() };
    desk.world.put(&ends(desk.world.now())).await;
    assert_eq!(desk.hear(&joins(1, CHAT, PERSON)).await, 0);
    desk.world.put(&ends(desk.world.now() + days(30))).await;
    let hint = Hint { outbox_id: "turn_away:1".to_owned() };
    desk.world.app.outbox_queue.as_ref().unwrap().send(&hint, SignedDuration::ZERO).await.unwrap();
    desk.world.deliver(deliver(), OUTBOX).await;
    assert!(desk.bot.called("banChatMember").is_empty());
    // An earlier try may have banned and died before it lifted the ban.
    let lifts = desk.bot.called("unbanChatMember");
    assert_eq!(lifts.len(), 1);
    assert_eq!((&lifts[0]["user_id"], &lifts[0]["only_if_banned"]), (&json!(PERSON), &json!(true)));
}

#[tokio::test]
async fn others_are_left_alone() {
    let desk = Desk::open().await;
    let member = desk.world.member(PERSON).await;
    let paid = Some(desk.world.now() + days(1));
    desk.world.put(&Member { subscription_expires: paid, ..member }).await;
    let bot = json!({ "id": 7_000_000_001_i64, "is_bot": true, "first_name": "Бот" });
    let of = |update_id, from: &str, to: &str| {
        change(update_id, "chat_member", CHAT, &person(STRANGER), from, to)
    };
    for update in [
        joins(1, CHAT, PERSON),
        joins(2, -1_009, STRANGER),
        of(3, "member", "left"),
        of(4, "member", "restricted"),
        of(5, "left", "administrator"),
        of(6, "kicked", "left"),
        change(7, "chat_member", CHAT, &bot, "left", "member"),
        change(8, "my_chat_member", STRANGER, &bot, "member", "kicked"),
    ] {
        assert_eq!(desk.hear(&update).await, 0, "{update}");
    }
    assert_eq!((desk.count("Outbox").await, desk.count("TelegramUpdate").await), (0, 0));
    // In a chat already, but not as a member: now one comes in.
    let mut enters = of(9, "restricted", "restricted");
    enters["chat_member"]["new_chat_member"]["is_member"] = json!(true);
    assert_eq!(desk.hear(&enters).await, 0);
    assert_eq!(desk.messages("turn_away").await.len(), 1);
}

#[tokio::test]
async fn those_who_run_the_club_hear_of_what_the_bot_cannot_guard() {
    let desk = Desk::open().await;
    let bot = json!({ "id": 7_000_000_001_i64, "is_bot": true, "first_name": "Бот" });
    let own = |update_id, chat, from: &str, to: &str| {
        change(update_id, "my_chat_member", chat, &bot, from, to)
    };
    let mut moved = message(5, PERSON, &json!({ "migrate_to_chat_id": -1_002_222 }));
    moved["message"]["chat"] = json!({ "id": -1_005, "type": "group" });
    let mut other = moved.clone();
    other["update_id"] = json!(6);
    other["message"]["chat"]["id"] = json!(-9);
    for update in [
        own(1, CHAT, "administrator", "member"),
        own(1, CHAT, "administrator", "member"),
        own(2, CHAT, "member", "administrator"),
        own(3, -9, "administrator", "left"),
        moved.clone(),
        moved,
        other,
    ] {
        assert_eq!(desk.hear(&update).await, 0);
    }
    let alerts = desk.messages("admin_alert").await;
    let alerts: Vec<_> = alerts.iter().map(|said| said["text"]["S"].as_str().unwrap()).collect();
    assert_eq!(alerts.len(), 2, "{alerts:?}");
    assert!(alerts[0].contains(&CHAT.to_string()), "{alerts:?}");
    assert!(alerts[1].contains("-1005") && alerts[1].contains("-1002222"), "{alerts:?}");
}

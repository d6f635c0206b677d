//! Synthetic updates in the shape Telegram sends.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::members::MemberStatus;
use super::updates::{ChatKind, Event, Message, UPDATE_MAX, Update};

fn parse(value: &Value) -> Update {
    Update::parse(value.to_string().as_bytes()).unwrap()
}

fn user() -> Value {
    json!({"id": 1_000_000_001, "is_bot": false, "first_name": "Test", "username": "test_user",
        "language_code": "ru", "later_field": [1]})
}

fn message(extra: &Value) -> Message {
    let mut body = json!({"message_id": 7, "date": 1_768_900_000, "from": user(),
        "chat": {"id": 1_000_000_001, "type": "private", "first_name": "Test"}});
    for (key, value) in extra.as_object().unwrap() {
        body[key] = value.clone();
    }
    match parse(&json!({"update_id": 1, "message": body})).event {
        Event::Message(message) => *message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn text_photo_and_album() {
    let text = message(&json!({"text": "/start gift_x", "entities": [{"type": "bot_command"}]}));
    assert_eq!(text.words(), Some("/start gift_x"));
    assert_eq!(text.author().unwrap().id.get(), 1_000_000_001);
    assert!(!text.has_photo && !text.is_forwarded);
    let photo = message(&json!({"caption": "#a", "photo": [{"file_id": "x"}],
        "media_group_id": "9", "forward_origin": {"type": "user"}, "video": null}));
    assert_eq!(photo.words(), Some("#a"));
    assert!(photo.has_photo && photo.is_forwarded && !photo.has_video);
}

#[test]
fn authors_are_people_as_launch_data_names_them() {
    let profile = message(&json!({})).author().unwrap().profile();
    assert_eq!((profile.id.get(), profile.first_name.as_str()), (1_000_000_001, "Test"));
    assert_eq!(profile.username.as_deref(), Some("test_user"));
    assert_eq!((profile.language_code.as_deref(), profile.photo_url), (Some("ru"), None));
}

#[test]
fn bots_and_chats_are_no_authors() {
    let channel = json!({"id": -100, "type": "channel", "title": "C"});
    assert!(message(&json!({"sender_chat": channel})).author().is_none());
    assert!(message(&json!({"from": {"id": 5, "is_bot": true}})).author().is_none());
    assert!(message(&json!({"from": null})).author().is_none());
}

#[test]
fn payments_and_refunds() {
    let paid = message(&json!({"successful_payment": {"currency": "XTR", "total_amount": 1500,
        "invoice_payload": "att_1", "telegram_payment_charge_id": "ch_1",
        "provider_payment_charge_id": "", "is_recurring": true, "is_first_recurring": true,
        "subscription_expiration_date": 1_771_492_000}}));
    let paid = paid.successful_payment.unwrap();
    assert_eq!((paid.total_amount, paid.telegram_payment_charge_id.as_str()), (1500, "ch_1"));
    assert_eq!(paid.subscription_expiration_date_s, Some(1_771_492_000));
    assert!(paid.is_recurring && paid.is_first_recurring);

    let refunded = message(&json!({"refunded_payment": {"currency": "XTR", "total_amount": 1500,
        "invoice_payload": "att_1", "telegram_payment_charge_id": "ch_1"}}));
    assert_eq!(refunded.refunded_payment.unwrap().telegram_payment_charge_id, "ch_1");
}

#[test]
fn pre_checkout_and_callback() {
    let update = parse(&json!({"update_id": 2, "pre_checkout_query": {"id": "q", "from": user(),
        "currency": "XTR", "total_amount": 1500, "invoice_payload": "att_1"}}));
    let Event::PreCheckoutQuery(query) = update.event else { panic!() };
    assert_eq!((query.total_amount, query.invoice_payload.as_str()), (1500, "att_1"));

    // An inaccessible message has date 0 and little else.
    let update = parse(&json!({"update_id": 3, "callback_query": {"id": "c", "from": user(),
        "chat_instance": "1", "data": "ready",
        "message": {"message_id": 4, "date": 0, "chat": {"id": 5, "type": "private"}}}}));
    let Event::CallbackQuery(query) = update.event else { panic!() };
    assert_eq!(query.data.as_deref(), Some("ready"));
    assert_eq!(query.message.unwrap().message_id, 4);
}

#[test]
fn members_come_and_go() {
    let change = |kind: &str, old: &Value, new: &Value| {
        let update = parse(&json!({"update_id": 4, kind: {"date": 1, "from": user(),
            "chat": {"id": -1_001_234, "type": "supergroup", "title": "T"},
            "old_chat_member": {"user": user(), "status": old["s"], "is_member": old["m"] == true},
            "new_chat_member": {"user": user(), "status": new["s"], "is_member": new["m"] == true}}}));
        match update.event {
            Event::ChatMember(change) | Event::MyChatMember(change) => *change,
            other => panic!("{other:?}"),
        }
    };
    let (left, member) = (json!({"s": "left"}), json!({"s": "member"}));
    assert!(change("chat_member", &left, &member).joined());
    assert!(change("my_chat_member", &member, &json!({"s": "kicked"})).left());
    let restricted_in = json!({"s": "restricted", "m": true});
    let restricted_out = json!({"s": "restricted", "m": false});
    assert!(change("chat_member", &restricted_out, &restricted_in).joined());
    let promoted = change("chat_member", &member, &json!({"s": "administrator"}));
    assert!(!promoted.joined() && !promoted.left());
    let later = change("chat_member", &member, &json!({"s": "levitating"}));
    assert_eq!(later.new_chat_member.status, MemberStatus::Other);
    assert_eq!(later.chat.kind, ChatKind::Supergroup);
}

#[test]
fn shared_users_and_migration() {
    let shared = message(&json!({"users_shared": {"request_id": 3,
        "users": [{"user_id": 4_503_599_627_370_495_i64, "first_name": "R"}]}}));
    assert_eq!(shared.users_shared.unwrap().users[0].user_id.get(), 4_503_599_627_370_495);
    let moved = message(&json!({"chat": {"id": -5, "type": "group"}, "migrate_to_chat_id": -1005}));
    assert_eq!(moved.migrate_to_chat_id.unwrap().0, -1005);
    let came = message(&json!({"migrate_from_chat_id": -5, "new_chat_members": [user()]}));
    assert_eq!((came.migrate_from_chat_id.unwrap().0, came.new_chat_members.len()), (-5, 1));
}

#[test]
fn unknown_kinds_pass() {
    let update = parse(&json!({"update_id": 9, "poll_answer": {"a": 1}}));
    assert_eq!((update.update_id, update.event), (9, Event::Other));
    let chat = message(&json!({"chat": {"id": 1, "type": "hologram"}})).chat;
    assert_eq!(chat.kind, ChatKind::Other);
}

#[test]
fn edits_are_not_new_messages() {
    let update = parse(&json!({"update_id": 1, "edited_message": {"message_id": 7, "date": 1,
        "edit_date": 2, "chat": {"id": 1, "type": "private"}, "text": "#a"}}));
    assert!(matches!(update.event, Event::EditedMessage(_)));
}

#[test]
fn unreadable_updates_say_which_when_possible() {
    for (body, update_id) in [
        ("", None),
        ("[]", None),
        ("{}", None),
        (r#"{"update_id":"1"}"#, None),
        (r#"{"update_id":1"#, None),
        (r#"{"update_id":1,"message":{}}"#, Some(1)),
        (r#"{"update_id":1,"message":"x"}"#, Some(1)),
        (r#"{"update_id":1,"callback_query":{"id":"1","from":{"id":1.5}}}"#, Some(1)),
    ] {
        assert_eq!(Update::parse(body.as_bytes()).unwrap_err().update_id, update_id, "{body}");
    }
    let long = format!(r#"{{"update_id":1,"x":"{}"}}"#, "a".repeat(UPDATE_MAX));
    assert!(Update::parse(long.as_bytes()).is_err());
    let deep = format!(r#"{{"update_id":1,"message":{}"#, "{\"chat\":".repeat(5000));
    assert!(Update::parse(deep.as_bytes()).is_err());
}

#[test]
fn debug_shows_no_words_or_names() {
    let printed = format!("{:?}", message(&json!({"text": "gift_secret"})));
    assert!(!printed.contains("gift_secret") && !printed.contains("test_user"), "{printed}");
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Update::parse(&body);
    }

    #[test]
    fn cut_updates_never_panic(cut in 0_usize..200) {
        let body = json!({"update_id": 1, "message": {"message_id": 7, "date": 1, "from": user(),
            "chat": {"id": 1, "type": "private"}, "text": "x"}}).to_string();
        let cut = cut.min(body.len() - 1);
        prop_assert!(Update::parse(&body.as_bytes()[..cut]).is_err());
    }
}

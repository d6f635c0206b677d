//! Payments in stars, and the bot's other updates.

use super::*;

/// A charge as the bot's transactions show it.
pub(super) fn came(charge: &str, payload: &str, amount: i64) -> Value {
    json!({
        "id": charge, "amount": amount, "date": 1_795_348_800,
        "source": {
            "type": "user", "transaction_type": "invoice_payment", "invoice_payload": payload,
            "user": { "id": PAYER, "is_bot": false, "first_name": "Анна" },
        },
    })
}

/// A refund as the bot's transactions show it.
pub(super) fn went_back(charge: &str, payload: &str, amount: i64) -> Value {
    let mut transaction = came(charge, payload, amount);
    let partner = transaction["source"].take();
    transaction.as_object_mut().unwrap().remove("source");
    transaction["receiver"] = partner;
    transaction
}

fn person(id: i64) -> Value {
    json!({ "id": id, "is_bot": false, "first_name": "Анна" })
}

fn message(update_id: i64, more: Value) -> Value {
    let mut message = json!({
        "message_id": 5, "date": 1_795_348_800, "from": person(PAYER),
        "chat": { "id": PAYER, "type": "private" },
    });
    message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "update_id": update_id, "message": message })
}

pub(super) fn charge(kind: &str, update_id: i64, id: i64, charge: &str) -> Value {
    let payment = json!({
        "currency": "XTR", "total_amount": 84, "invoice_payload": format!("er1.{id}"),
        "telegram_payment_charge_id": charge, "provider_payment_charge_id": "",
    });
    message(update_id, json!({ kind: payment }))
}

pub(super) fn veto(id: i64, payer: i64, amount: i64, currency: &str) -> Value {
    json!({
        "update_id": 1, "pre_checkout_query": {
            "id": "query", "from": person(payer), "currency": currency, "total_amount": amount,
            "invoice_payload": format!("er1.{id}"),
        },
    })
}

#[tokio::test]
async fn the_last_veto_is_heard() {
    let till = Till::open().await;
    let id = till.invoiced("telegram_stars").await;
    let crypto = till.invoiced("crypto_bot").await;
    let refused = json!({
        "pre_checkout_query_id": "query", "ok": false,
        "error_message": "Счёт устарел. Создайте новый.",
    });
    let admitted = json!({ "pre_checkout_query_id": "query", "ok": true });
    let mut expected = Vec::new();
    for (update, admits) in [
        (veto(id, PAYER, 84, "XTR"), true),
        (veto(id, PAYER, 84, "XTR"), true),
        (veto(id, 8, 84, "XTR"), false),
        (veto(id, PAYER, 83, "XTR"), false),
        (veto(id, PAYER, 84, "RUB"), false),
        (veto(42, PAYER, 84, "XTR"), false),
        (veto(-1, PAYER, 84, "XTR"), false),
        (veto(crypto, PAYER, 84, "XTR"), false),
    ] {
        let reply = till.update(update).await;
        assert_eq!((reply.status.as_u16(), &reply.body), (200, &json!({})));
        expected.push(if admits { admitted.clone() } else { refused.clone() });
    }
    // From the instant on at which its time is over, before any timer has run.
    till.pass(1_800);
    till.update(veto(id, PAYER, 84, "XTR")).await;
    expected.push(refused.clone());
    till.update(charge("successful_payment", 2, id, "charge")).await;
    till.update(veto(id, PAYER, 84, "XTR")).await;
    expected.push(refused);
    assert_eq!(till.bot.called("answerPreCheckoutQuery"), expected);
    till.check_invariants().await;
}

#[tokio::test]
async fn the_veto_is_refused_where_the_payment_cannot_be_read() {
    let till = Till::open().await;
    let id = till.invoiced("telegram_stars").await;
    let fault = engine::Fault::new(engine::Target::Dynamodb, engine::FaultKind::Error);
    till.world.engine.faults().inject(fault);
    let reply = till.update(veto(id, PAYER, 84, "XTR")).await;
    assert_eq!(reply.status, 200);
    assert_eq!(till.bot.called("answerPreCheckoutQuery")[0]["ok"], false);
    till.world.engine.faults().clear();
    // An answer that Telegram does not take is given again, as the update comes again.
    let slow = json!({ "ok": false, "error_code": 429, "parameters": { "retry_after": 1 } });
    till.bot.feel(Mood::Refusing(429, slow));
    assert_eq!(till.update(veto(id, PAYER, 84, "XTR")).await.status, 503);
    let late = json!({ "ok": false, "error_code": 400, "description": "query is too old" });
    till.bot.feel(Mood::Refusing(400, late));
    assert_eq!(till.update(veto(id, PAYER, 84, "XTR")).await.status, 200);
}

#[tokio::test]
async fn a_charge_is_credited_once() {
    let till = Till::open().await;
    let id = till.invoiced("telegram_stars").await;
    let word = charge("successful_payment", 10, id, "charge");
    let first = till.update(word.clone()).await;
    assert_eq!((first.status.as_u16(), &first.body, first.cost.items), (200, &json!({}), 5));
    for _ in 0..4 {
        assert_eq!(till.update(word.clone()).await.status, 200);
    }
    // The same charge under another update.
    till.update(charge("successful_payment", 11, id, "charge")).await;
    assert_eq!((till.balance().await, till.count("LedgerEntry").await), (10_000, 1));
    assert_eq!(till.count("TelegramUpdate").await, 2);
    let entries: Vec<Entry> = till.read("LedgerEntry").await;
    assert_eq!(entries[0].description.as_deref(), Some("Telegram Stars payment"));
    assert_eq!(entries[0].payment_method.as_deref(), Some("telegram_stars"));
    // A link that was paid twice.
    till.update(charge("successful_payment", 12, id, "second")).await;
    let kept = till.world.items("UnmatchedEvent").await;
    assert_eq!((kept.len(), &kept[0]["doubt"]["S"]), (1, &json!("paid_twice")));
    till.check_invariants().await;
}

#[tokio::test]
async fn charges_that_fit_nothing_are_put_aside() {
    let till = Till::open().await;
    let id = till.invoiced("telegram_stars").await;
    let mut cheap = charge("successful_payment", 20, id, "cheap");
    cheap["message"]["successful_payment"]["total_amount"] = json!(1);
    let mut foreign = charge("successful_payment", 21, id, "foreign");
    foreign["message"]["successful_payment"]["currency"] = json!("RUB");
    let unknown = charge("successful_payment", 22, 42, "unknown");
    for update in [&cheap, &foreign, &unknown, &cheap] {
        assert_eq!(till.update(update.clone()).await.status, 200);
    }
    // The same money again, in another update.
    cheap["update_id"] = json!(23);
    till.update(cheap).await;
    assert_eq!((till.count("UnmatchedEvent").await, till.count("TelegramUpdate").await), (3, 4));
    assert_eq!((till.stands(id).await, till.balance().await), (Status::Pending, 0));
    till.check_invariants().await;
}

#[tokio::test]
async fn a_refund_is_taken_back_once() {
    let till = Till::open().await;
    let id = till.invoiced("telegram_stars").await;
    till.update(charge("successful_payment", 30, id, "charge")).await;
    let word = charge("refunded_payment", 31, id, "charge");
    for _ in 0..5 {
        assert_eq!(till.update(word.clone()).await.status, 200);
    }
    till.update(charge("refunded_payment", 32, id, "charge")).await;
    assert_eq!((till.balance().await, till.count("LedgerEntry").await), (0, 2));
    let entries: Vec<Entry> = till.read("LedgerEntry").await;
    let reversal = entries.iter().find(|entry| entry.entry == Kind::Reversal).unwrap();
    assert_eq!((reversal.amount, reversal.balance_after), (-10_000, 0));
    assert_eq!(till.stands(id).await, Status::Paid);
    assert_eq!(till.count("TelegramUpdate").await, 3);
    till.check_invariants().await;
}

#[tokio::test]
async fn a_refund_takes_no_more_than_is_there() {
    let till = Till::open().await;
    let id = till.invoiced("telegram_stars").await;
    till.update(charge("successful_payment", 40, id, "charge")).await;
    // 30 rubles of it were spent.
    let user = till.world.user(PAYER).await;
    let reason = crate::money::Reason {
        kind: Kind::OrderTake,
        cause: "order".to_owned(),
        order_id: Some("order".to_owned()),
        payment_method: None,
        description: None,
    };
    let amount = crate::money::Kopecks(-3_000);
    let spent = crate::money::Change::of(&user, amount, reason, till.world.now()).unwrap();
    till.world.table().transact(vec![spent.balance(), spent.line()]).await.unwrap();
    till.update(charge("refunded_payment", 41, id, "charge")).await;
    let receipts: Vec<super::super::Receipt> = till.read("ProviderReceipt").await;
    let kopecks = |amount| Some(crate::money::Kopecks(amount));
    assert_eq!((receipts[0].reversed, receipts[0].shortfall), (kopecks(7_000), kopecks(3_000)));
    assert_eq!(till.balance().await, 0);
    till.check_invariants().await;
}

#[tokio::test]
async fn a_refund_that_overtakes_its_payment_leaves_nothing() {
    let till = Till::open().await;
    let id = till.invoiced("telegram_stars").await;
    till.update(charge("refunded_payment", 50, id, "charge")).await;
    assert_eq!((till.balance().await, till.count("LedgerEntry").await), (0, 2));
    till.update(charge("successful_payment", 51, id, "charge")).await;
    assert_eq!((till.balance().await, till.stands(id).await), (0, Status::Paid));
    // One of a charge that nobody knows.
    for _ in 0..2 {
        till.update(charge("refunded_payment", 52, 42, "unknown")).await;
    }
    let kept = till.world.items("UnmatchedEvent").await;
    let doubts: Vec<_> = kept.iter().map(|item| item["doubt"]["S"].as_str().unwrap()).collect();
    assert_eq!(doubts, ["unknown_reference", "unknown_refund"]);
    till.check_invariants().await;
}

#[tokio::test]
async fn commands_are_answered_once() {
    let till = Till::with(&[("PAYMENT_SUPPORT_CONTACT", "@errands_help")]).await;
    let say = |update_id: i64, text: &str| message(update_id, json!({ "text": text }));
    for update in [
        say(60, "/start"),
        say(60, "/start"),
        say(61, "/start order_abc"),
        say(62, "/paysupport@errands_test_bot"),
        say(63, "paysupport"),
        say(64, "/other"),
        say(65, ""),
    ] {
        assert_eq!(till.update(update).await.status, 200);
    }
    let mut group = say(66, "/start");
    group["message"]["chat"]["type"] = json!("group");
    till.update(group).await;
    let sent = till.bot.called("sendMessage");
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|message| message["chat_id"] == PAYER));
    assert!(sent[2]["text"].as_str().unwrap().ends_with("@errands_help"));
    // Telegram says when it may be tried again: the update comes again.
    let slow = json!({ "ok": false, "error_code": 429, "parameters": { "retry_after": 1 } });
    till.bot.feel(Mood::Refusing(429, slow));
    assert_eq!(till.update(say(67, "/start")).await.status, 503);
    till.bot.feel(Mood::Fine);
    assert_eq!(till.update(say(67, "/start")).await.status, 200);
    assert_eq!(till.bot.called("sendMessage").len(), 5);
}

#[tokio::test]
async fn who_blocks_the_bot_is_known() {
    let till = Till::open().await;
    till.invoiced("telegram_stars").await;
    let change = |update_id: i64, id: i64, status: &str, kind: &str| {
        let bot = json!({ "id": 7_000_000_002_i64, "is_bot": true, "first_name": "bot" });
        json!({
            "update_id": update_id, "my_chat_member": {
                "chat": { "id": id, "type": kind }, "from": person(id), "date": 1_795_348_800,
                "old_chat_member": { "user": bot, "status": "member" },
                "new_chat_member": { "user": bot, "status": status, "until_date": 0 },
            },
        })
    };
    let blocked = || async { till.world.user(PAYER).await.bot_blocked };
    for (update, expected) in [
        (change(70, PAYER, "kicked", "private"), true),
        (change(71, PAYER, "member", "private"), false),
        (change(70, PAYER, "kicked", "private"), false),
        (change(72, PAYER, "kicked", "group"), false),
        (change(73, PAYER, "administrator", "private"), false),
        (change(74, 404, "kicked", "private"), false),
    ] {
        assert_eq!(till.update(update.clone()).await.status, 200);
        assert_eq!(blocked().await, expected, "{update}");
    }
    assert_eq!((till.count("TelegramUpdate").await, till.count("User").await), (2, 1));
}

#[tokio::test]
async fn only_telegram_is_heard() {
    let till = Till::open().await;
    let id = till.invoiced("telegram_stars").await;
    let word = charge("successful_payment", 80, id, "charge");
    let bare = || Request::post("/api/telegram/webhook", word.clone());
    let header = "x-telegram-bot-api-secret-token";
    for request in [bare(), bare().header(header, ""), bare().header(header, "wrong")] {
        let reply = till.world.call(telegram_webhook(), request).await;
        assert_eq!(reply.status, 401);
    }
    let till = Till::with(&[("TELEGRAM_WEBHOOK_SECRET", "")]).await;
    for request in [bare(), bare().header(header, ""), bare().header(header, WEBHOOK_SECRET)] {
        assert_eq!(till.world.call(telegram_webhook(), request).await.status, 401);
    }
    assert_eq!(till.count("TelegramUpdate").await, 0);
}

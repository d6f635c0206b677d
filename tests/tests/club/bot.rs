//! The bot: gifts by their links, the onboarding, the chats of members (§7, §8, §13; acceptance 12
//! and 15, property 24).

use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};
use tests::{GIFT, Member, Webhook, World, at_once, local};

use crate::stars::telegram;

/// Numbers of updates; each is new unless it is said otherwise.
static UPDATES: AtomicI64 = AtomicI64::new(800_000);
/// A chat for members alone.
const CHAT: i64 = -1_001_234_567_890;
/// Seconds of a minute.
const MINUTE: u64 = 60;
/// Seconds in which a chat takes what one update is answered by.
const TURNS: u64 = 4;

fn update_id() -> i64 {
    UPDATES.fetch_add(1, Ordering::Relaxed)
}

fn person(id: i64) -> Value {
    json!({"id": id, "is_bot": false, "first_name": "Анна", "language_code": "ru"})
}

fn message(id: i64, more: &Value) -> Value {
    let mut message = json!({
        "message_id": 5, "date": 1_768_910_400, "from": person(id),
        "chat": {"id": id, "type": "private", "first_name": "Анна"},
    });
    message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"update_id": update_id(), "message": message})
}

/// Somebody writes to the bot.
fn says(id: i64, text: &str) -> Value {
    message(id, &json!({"text": text}))
}

fn presses(id: i64, data: &str) -> Value {
    let query = json!({
        "id": update_id().to_string(), "from": person(id), "chat_instance": "1", "data": data,
        "message": {"message_id": 4, "date": 0, "chat": {"id": id, "type": "private"}},
    });
    json!({"update_id": update_id(), "callback_query": query})
}

/// Delivers an update and waits for what follows: a chat takes one message a second, and this
/// world's clock stands still.
async fn tell(world: &World, update: &Value) {
    assert_eq!(telegram(world, update).await.is(200).json(), json!({"ok": true}));
    settle(world).await;
}

async fn settle(world: &World) {
    world.idle().await;
    world.advance(TURNS).await;
    world.idle().await;
}

/// All that the bot has written to somebody, oldest first.
async fn heard(world: &World, id: i64) -> Vec<String> {
    let messages = world.messages(id).await;
    messages.iter().map(|sent| sent["text"].as_str().unwrap_or_default().to_owned()).collect()
}

async fn count(world: &World, id: i64, words: &str) -> usize {
    heard(world, id).await.iter().filter(|text| text.contains(words)).count()
}

/// Pays a gift, for somebody or for whoever has the link; what its link brings to `/start`.
async fn gives(giver: &Member, recipient: Option<i64>) -> String {
    let mut wish = giver.wish(GIFT);
    wish["recipient_id"] = json!(recipient);
    let attempt = giver.ask(&wish).await.ok()["attempt_id"].as_str().unwrap().to_owned();
    giver.user.world.pay(&attempt, Webhook::Delivered).await;
    settle(&giver.user.world).await;
    let told = heard(&giver.user.world, giver.id()).await;
    let last = told.iter().rfind(|text| text.contains("?start=")).unwrap();
    let (_, parameter) = last.split_once("?start=").unwrap();
    format!("/start {parameter}")
}

async fn expires(member: &Member) -> Value {
    member.status().await["subscription_expires"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a12_a_gift_by_its_link_is_its_recipients_alone() {
    let world = local!();
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    anna.pays().await;
    boris.pays().await;
    let before = anna.everything().await;
    let start = gives(&anna, Some(43)).await;
    assert_eq!(anna.everything().await, before, "the giver gets neither days nor energies");
    tell(&world, &says(44, &start)).await;
    assert_eq!(heard(&world, 44).await, ["Этот подарок предназначен другому человеку"]);
    tell(&world, &says(42, &start)).await;
    assert_eq!(count(&world, 42, "Нельзя подарить подписку самому себе").await, 1);
    assert_eq!((boris.balance().await, anna.everything().await), (500, before.clone()));
    let taken = says(43, &start);
    tell(&world, &taken).await;
    tell(&world, &taken).await;
    // Thirty days that were paid, and thirty that were given.
    assert_eq!(expires(&boris).await, "2026-03-21T12:00:00.000Z");
    assert_eq!(boris.balance().await, 1000);
    assert_eq!(count(&world, 43, "Подарок активирован").await, 1);
    assert_eq!(count(&world, 42, "подарок активирован").await, 1);
    // Once more by another update: the same success, and nothing more.
    tell(&world, &says(43, &start)).await;
    assert_eq!(count(&world, 43, "Подарок активирован").await, 2);
    assert_eq!((boris.balance().await, anna.everything().await), (1000, before));
}

#[tokio::test(flavor = "multi_thread")]
async fn a12_a_link_makes_a_member_of_whom_nobody_knew() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let start = gives(&anna, None).await;
    tell(&world, &says(45, &start)).await;
    let vera = world.member(45, "Вера").await;
    let me = vera.me().await;
    assert_eq!(
        (&me["isPro"], &me["gifted"], &me["energies"]),
        (&json!(true), &json!(true), &json!(500))
    );
    assert_eq!(me["firstName"], "Анна", "as Telegram said first");
    assert_eq!(count(&world, 45, "Подарок активирован").await, 1);
    assert_eq!(count(&world, 45, "Добро пожаловать в клуб!").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a12_twenty_deliveries_at_once_are_one_activation() {
    let world = local!("RATE_WEBHOOK" => "1000/10");
    let anna = world.member(42, "Анна").await;
    let start = gives(&anna, None).await;
    let same = says(43, &start);
    let updates: Vec<_> =
        (0..20).map(|n| if n % 2 == 0 { same.clone() } else { says(44, &start) }).collect();
    for answer in at_once(20, |n| telegram(&world, &updates[n])).await {
        assert_eq!(answer.is(200).json(), json!({"ok": true}));
    }
    world.idle().await;
    // Who was outrun too often comes again.
    world.advance(15 * MINUTE).await;
    world.idle().await;
    let (boris, vera) = (world.member(43, "Борис").await, world.member(44, "Вера").await);
    let balances = (boris.balance().await, vera.balance().await);
    assert!([(500, 0), (0, 500)].contains(&balances), "{balances:?}");
    assert_eq!(count(&world, 42, "подарок активирован").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a12_what_is_over_or_unknown_is_said() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let start = gives(&anna, None).await;
    tell(&world, &says(43, "/start gift_AAAAAAAAAAAAAAAAAAAAAA")).await;
    assert_eq!(heard(&world, 43).await, ["Подарок не найден. Проверьте ссылку"]);
    world.advance(365 * crate::DAY).await;
    tell(&world, &says(43, &start)).await;
    assert_eq!(heard(&world, 43).await.pop().unwrap(), "Срок действия подарка истёк");
    assert_eq!(world.member(43, "Борис").await.balance().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_the_keyword_moves_the_step_and_other_words_keep_it() {
    let world = local!();
    let mut id = 50;
    for (words, moves) in [
        ("успех", true),
        ("Успех", true),
        ("УСПЕХ", true),
        (" УСПЕХ ", true),
        ("успех!", false),
        ("успехи", false),
        ("мой успех", false),
    ] {
        id += 1;
        let member = world.member(id, "Анна").await;
        member.pays().await;
        let energies = member.balance().await;
        assert_eq!(count(&world, id, "Добро пожаловать в клуб!").await, 1);
        let update = says(id, words);
        for _ in 0..2 {
            tell(&world, &update).await;
        }
        // An edited message is none.
        let mut edited = says(id, "УСПЕХ");
        let message = edited.as_object_mut().unwrap().remove("message").unwrap();
        edited["edited_message"] = message;
        tell(&world, &edited).await;
        let moved = count(&world, id, "Верно!").await;
        let hinted = count(&world, id, "без других слов").await;
        assert_eq!((moved, hinted), (usize::from(moves), usize::from(!moves)), "{words:?}");
        // Redelivery and edits earn nothing more.
        assert_eq!(member.balance().await, energies);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_runs_of_spaces_are_one() {
    let world = local!("ONBOARDING_KEYWORD" => "КОД ДЕНЕГ");
    let member = world.member(42, "Анна").await;
    member.pays().await;
    tell(&world, &says(42, "код денег.")).await;
    assert_eq!(count(&world, 42, "Верно!").await, 0);
    tell(&world, &says(42, "код   денег")).await;
    assert_eq!(count(&world, 42, "Верно!").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn p24_reminders_come_at_their_minutes_once() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    anna.pays().await;
    let reminders = async || count(&world, 42, "Мы ждём вас!").await;
    for (minutes, expected) in [(19, 0), (1, 1), (59, 1), (1, 2), (119, 2), (1, 3), (60, 3)] {
        world.advance(minutes * MINUTE).await;
        assert_eq!(reminders().await, expected, "{minutes}");
    }
    tell(&world, &says(42, "успех")).await;
    let again = async || count(&world, 42, "Остался один шаг").await;
    for (minutes, expected) in [(29, 0), (1, 1), (59, 1), (1, 2)] {
        world.advance(minutes * MINUTE).await;
        assert_eq!(again().await, expected, "{minutes}");
    }
    let menu = async || count(&world, 42, "Всё готово!").await;
    world.advance(119 * MINUTE).await;
    assert_eq!(menu().await, 0);
    world.advance(MINUTE).await;
    assert_eq!(menu().await, 1);
    // The button is too late, and a renewal begins nothing anew.
    tell(&world, &presses(42, "ready")).await;
    anna.user.sign_in().await.pays().await;
    assert_eq!((menu().await, count(&world, 42, "Добро пожаловать").await), (1, 1));
    assert_eq!((reminders().await, again().await), (3, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn p24_the_button_ends_it_and_the_first_weeks_have_their_days() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    anna.pays().await;
    tell(&world, &says(42, "успех")).await;
    let sent = world.messages(42).await;
    let button = &sent.last().unwrap()["payload"]["reply_markup"]["inline_keyboard"][0][0];
    let data = button["callback_data"].as_str().unwrap();
    let press = presses(42, data);
    for _ in 0..2 {
        tell(&world, &press).await;
    }
    assert_eq!(world.bot_calls("answerCallbackQuery").await.len(), 2);
    assert_eq!(count(&world, 42, "Всё готово!").await, 1);
    // 15:00 in Moscow; the offer comes at ten of the next day.
    let offers = async || count(&world, 42, "Хотите порадовать").await;
    world.set_clock("2026-01-21T06:59:59Z").await;
    assert_eq!(offers().await, 0);
    world.set_clock("2026-01-21T07:00:00Z").await;
    assert_eq!(offers().await, 1);
    let checks = async || count(&world, 42, "Вы в клубе уже дней").await;
    let mut expected = 0;
    for days in ["2026-01-27", "2026-02-03", "2026-02-10", "2026-02-17"] {
        world.set_clock(&format!("{days}T05:59:59Z")).await;
        assert_eq!(checks().await, expected, "{days}");
        world.set_clock(&format!("{days}T06:00:00Z")).await;
        expected += 1;
        assert_eq!(checks().await, expected, "{days}");
    }
    world.advance(30 * crate::DAY).await;
    assert_eq!((checks().await, offers().await), (4, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn p24_who_opens_the_bot_is_known_by_where_the_link_stood() {
    let world = local!();
    tell(&world, &says(42, "/start utm_src_med_camp")).await;
    assert_eq!(heard(&world, 42).await.len(), 1);
    let anna = world.member(42, "Другое имя").await;
    assert_eq!(anna.me().await["firstName"], "Анна");
}

#[tokio::test(flavor = "multi_thread")]
async fn p24_a_chat_of_members_turns_away_who_has_not_paid() {
    let chat = CHAT.to_string();
    let world = local!("PROTECTED_CHAT_IDS" => chat.as_str());
    let anna = world.member(42, "Анна").await;
    anna.pays().await;
    let joins = |id: i64| {
        let place = |status: &str| json!({"user": person(id), "status": status});
        let change = json!({
            "chat": {"id": CHAT, "type": "supergroup", "title": "Чат"}, "from": person(id),
            "date": 1_768_910_400, "old_chat_member": place("left"),
            "new_chat_member": place("member"),
        });
        json!({"update_id": update_id(), "chat_member": change})
    };
    let stranger = joins(43);
    for update in [&joins(42), &stranger, &stranger] {
        tell(&world, update).await;
    }
    let bans = world.bot_calls("banChatMember").await;
    assert_eq!(bans.len(), 1);
    assert_eq!(bans[0]["payload"]["user_id"], 43);
    let lifted = world.bot_calls("unbanChatMember").await;
    assert!(lifted.iter().any(|call| call["payload"]["user_id"] == 43), "{lifted:?}");
    assert_eq!(count(&world, 43, "только участникам клуба").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn p24_a_poisoned_update_is_set_aside_alone() {
    let world = local!();
    let poison = json!({"update_id": update_id(), "callback_query": {"id": 7}});
    telegram(&world, &poison).await.is(200);
    telegram(&world, &says(42, "/start")).await.is(200);
    world.advance(30 * MINUTE).await;
    assert_eq!(heard(&world, 42).await.len(), 1);
    let queues = world.desk_get("queues").await;
    let queue = queues["queues"].as_array().unwrap().iter().find(|queue| {
        queue["name"].as_str().is_some_and(|name| name.ends_with("telegram-updates"))
    });
    assert_eq!(queue.unwrap()["dead_letters"], 1, "{queues}");
}

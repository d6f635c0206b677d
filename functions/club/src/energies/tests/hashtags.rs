//! Hashtags in the chats of teams and cities.

use jiff::SignedDuration;
use shared::outbox::Hint;

use super::*;
use crate::testing::OUTBOX;

pub(super) const DAY: u64 = 86_400;

fn earned(some: &[(&str, i64)]) -> Vec<(String, i64)> {
    some.iter().map(|(key, amount)| ((*key).to_owned(), *amount)).collect()
}

pub(super) fn city(rule: &str, n: i64) -> String {
    format!("{rule}:{CITY_CHAT}:{n}")
}

#[tokio::test]
async fn a_call_and_an_insight_in_one_message_earn_both() {
    let club = Club::open().await;
    club.posts(CITY_CHAT, 1, "Были на #Созвон, вот мой #инсайт", photo()).await;
    let wanted = [(city("insight", 1), 40), (city("sozvon", 1), 100)];
    assert_eq!(club.earned().await, wanted);
    let (member, entries) = holds(&club.world, ANNA).await;
    assert_eq!(member.balance, 140);
    let call = entries.iter().find(|entry| entry.delta == 100).unwrap();
    assert_eq!((call.energy_kind, call.reason.as_str()), (Kind::Sozvon, "Участие в Созвоне"));
    let told = json!({ "hashtag": "#созвон", "chat_type": "city" });
    assert_eq!(Value::Object(call.metadata.clone()), told);
    let told = club.told().await;
    assert_eq!(told.len(), 2);
    assert_eq!(told[0].1, "Инсайт / Отзыв: начислено энергий 40 ⚡ Ваш баланс: 140 ⚡");
    assert_eq!(told[1].1, "Участие в Созвоне: начислено энергий 100 ⚡ Ваш баланс: 100 ⚡");
    assert_eq!(club.reactions().await, [("1".to_owned(), "❤".to_owned())]);
    assert_eq!((club.count("AwardSlot").await, club.count("TelegramUpdate").await), (2, 1));
}

#[tokio::test]
async fn the_fourth_combination_of_a_week_earns_nothing_and_its_author_hears_why() {
    let club = Club::open().await;
    for n in 1..=3 {
        club.posts(CITY_CHAT, n, "#созвон #сторис", photo()).await;
    }
    assert_eq!(club.balance().await, 900);
    club.posts(CITY_CHAT, 4, "#созвон #сторис #инсайт", photo()).await;
    assert_eq!(club.balance().await, 940);
    let told = club.told().await;
    let limits: Vec<_> = told.iter().filter(|(_, text)| text.contains("лимит")).collect();
    let limit = "#созвон #сторис: лимит исчерпан, энергии начисляются не больше 3 раз в неделю.";
    assert_eq!(limits, [&("hashtag:4:combo".to_owned(), limit.to_owned())]);
    // Slots of its own: a call and stories by themselves are still free.
    club.posts(CITY_CHAT, 5, "#созвон", photo()).await;
    club.posts(CITY_CHAT, 6, "#сторис", photo()).await;
    assert_eq!(club.balance().await, 1_240);
    // Sunday in Moscow is the last day of the week, and Monday the first.
    club.pass(5 * DAY + 9 * 3_600 - 1);
    club.posts(CITY_CHAT, 7, "#созвон #сторис", photo()).await;
    assert_eq!(club.balance().await, 1_240);
    club.pass(1);
    club.posts(CITY_CHAT, 8, "#созвон #сторис", photo()).await;
    assert_eq!(club.balance().await, 1_540);
}

#[tokio::test]
async fn a_practice_counts_from_saturday_midnight_in_moscow_with_a_picture() {
    let club = Club::open().await;
    // Friday, 23:30 UTC: from Tuesday noon.
    club.pass(3 * DAY + 11 * 3_600 + 1_800);
    club.posts(CITY_CHAT, 1, "#практика", photo()).await;
    assert_eq!(club.earned().await, [(city("praktika", 1), 50)]);
    // Once a week: on Sunday it is told, and another tag is tried.
    club.pass(DAY);
    club.posts(CITY_CHAT, 2, "#практика #челлендж", photo()).await;
    assert_eq!(club.balance().await, 51);
    let told = club.told().await;
    assert!(told.iter().any(|(id, text)| id == "hashtag:2:praktika" && text.contains("лимит")));
    // The next weekend is free; without a picture it does not count, nor does it on a Friday.
    club.pass(6 * DAY - 3 * 3_600 - 1_800);
    club.posts(CITY_CHAT, 3, "#практика", photo()).await;
    club.pass(DAY);
    club.posts(CITY_CHAT, 4, "#практика", json!({})).await;
    club.posts(CITY_CHAT, 5, "#практика", json!({ "sticker": { "file_id": "x" } })).await;
    assert_eq!(club.balance().await, 51);
    let told: Vec<_> = club.told().await.into_iter().map(|(id, _)| id).collect();
    for id in ["hashtag:3:praktika", "hashtag:4:praktika", "hashtag:5:praktika"] {
        assert!(told.contains(&id.to_owned()), "{told:?}");
    }
    for (n, media) in [(6, "document"), (7, "video")] {
        club.posts(CITY_CHAT, n, "#практика", json!({ media: { "file_id": "x" } })).await;
    }
    assert_eq!(club.balance().await, 101);
}

#[tokio::test]
async fn a_report_earns_once_a_day_and_is_silent_then() {
    let club = Club::open().await;
    club.posts(TEAM_CHAT, 1, "Мой #отчёт за день #инсайт", json!({})).await;
    let key = format!("otchet:{TEAM_CHAT}:1");
    assert_eq!(club.earned().await, [(key, 50)]);
    assert_eq!(club.reactions().await, [("1".to_owned(), "⚡".to_owned())]);
    let (_, entries) = holds(&club.world, ANNA).await;
    let told = json!({ "hashtag": "#отчёт", "chat_type": "decade" });
    assert_eq!(Value::Object(entries[0].metadata.clone()), told);
    for (n, text) in [(2, "#отчет"), (3, "#дз"), (4, "#отчёт")] {
        club.posts(TEAM_CHAT, n, text, json!({})).await;
    }
    assert_eq!((club.balance().await, club.told().await.len()), (50, 1));
    club.pass(9 * 3_600);
    club.posts(TEAM_CHAT, 5, "#дз", json!({})).await;
    assert_eq!((club.balance().await, club.told().await.len()), (100, 2));
    let since = club.world.now() - SignedDuration::from_hours(48);
    assert!(has_reported(club.world.table(), ANNA, since).await.unwrap());
    let since = club.world.now() + SignedDuration::from_hours(24);
    assert!(!has_reported(club.world.table(), ANNA, since).await.unwrap());
}

#[tokio::test]
async fn a_leader_earns_twice() {
    let club = Club::open().await;
    let member = club.world.member_now(ANNA).await;
    club.world.put(&Member { is_team_leader: true, ..member }).await;
    club.posts(TEAM_CHAT, 1, "#отчет", json!({})).await;
    club.posts(CITY_CHAT, 2, "#созвон #сторис", photo()).await;
    assert_eq!(club.balance().await, 700);
    let (_, entries) = holds(&club.world, ANNA).await;
    let combo = entries.iter().find(|entry| entry.delta == 600).unwrap();
    let told = json!({
        "hashtag": "#созвон #сторис", "chat_type": "city", "leaderBonus": true,
        "originalAmount": 300, "multiplier": 2,
    });
    assert_eq!(Value::Object(combo.metadata.clone()), told);
    assert!(club.told().await.iter().any(|(_, text)| text.contains("600 ⚡ Ваш баланс: 700")));
}

#[tokio::test]
async fn a_message_counts_once_however_it_comes() {
    let club = Club::open().await;
    let text = "#созвон #инсайт #челлендж";
    let first = posted(1, CITY_CHAT, ANNA, 7, text, photo());
    club.hear(&first).await;
    club.hear(&first).await;
    // The same message under another update, and edited.
    club.hear(&posted(2, CITY_CHAT, ANNA, 7, text, photo())).await;
    let mut edited = posted(3, CITY_CHAT, ANNA, 7, "#созвон #сторис #практика", photo());
    edited["edited_message"] = edited["message"].take();
    club.hear(&edited).await;
    assert_eq!((club.balance().await, club.earned().await.len()), (140, 2));
    assert_eq!((club.told().await.len(), club.reactions().await.len()), (2, 1));
    // The same number in another chat is another message.
    club.posts(TEAM_CHAT, 8, "#отчет", json!({})).await;
    assert_eq!(club.balance().await, 190);
}

#[tokio::test]
async fn who_has_no_part_in_a_chat_earns_nothing_in_it() {
    let club = Club::open().await;
    let anna = club.world.member_now(ANNA).await;
    let now = club.world.now();
    let others = [
        Member { subscription_expires: Some(now), ..anna.clone() },
        Member { subscription_expires: None, ..anna.clone() },
        Member {
            city_key: Some("тверь".to_owned()),
            team_id: Some("team-2".to_owned()),
            ..anna.clone()
        },
        Member { city_key: None, team_id: None, ..anna.clone() },
    ];
    club.team("team-2", TEAM_CHAT - 7, true).await;
    for (n, other) in (1..).zip(others) {
        club.world.put(&other).await;
        club.posts(CITY_CHAT, n * 10, "#созвон #инсайт", photo()).await;
        club.posts(TEAM_CHAT, n * 10 + 1, "#отчет", json!({})).await;
    }
    club.world.put(&anna).await;
    // Nobody's chat, a chat that is no group, a team that is not there any more, a stranger.
    club.posts(-5, 100, "#созвон #отчет", photo()).await;
    club.hear(&posted(101, CITY_CHAT, 5, 101, "#инсайт", json!({}))).await;
    club.team("team-1", TEAM_CHAT, false).await;
    club.posts(TEAM_CHAT, 102, "#отчет", json!({})).await;
    // In the name of a chat, and by a bot.
    let mut named = posted(103, CITY_CHAT, ANNA, 103, "#инсайт", json!({}));
    named["message"]["sender_chat"] = json!({ "id": CITY_CHAT, "type": "supergroup" });
    club.hear(&named).await;
    let mut bot = posted(104, CITY_CHAT, ANNA, 104, "#инсайт", json!({}));
    bot["message"]["from"]["is_bot"] = json!(true);
    club.hear(&bot).await;
    assert_eq!((club.balance().await, club.count("Outbox").await), (0, 0));
    assert_eq!((club.count("AwardSlot").await, club.count("TelegramUpdate").await), (0, 0));
    club.posts(CITY_CHAT, 105, "#инсайт", json!({})).await;
    assert_eq!(club.balance().await, 40);
}

#[tokio::test]
async fn rules_of_one_chat_do_not_hold_in_another() {
    let club = Club::open().await;
    club.posts(CITY_CHAT, 1, "#отчет #дз", json!({})).await;
    club.posts(TEAM_CHAT, 2, "#инсайт #созвон #челлендж", photo()).await;
    club.posts(CITY_CHAT, 3, "без решётки: инсайт", json!({})).await;
    assert_eq!((club.balance().await, club.count("Outbox").await), (0, 0));
    club.posts(CITY_CHAT, 4, "#челлендж", json!({})).await;
    club.posts(CITY_CHAT, 5, "#челлендж", json!({})).await;
    assert_eq!(club.earned().await, earned(&[(&city("challeng", 4), 1)]));
    assert!(club.told().await.iter().any(|(_, text)| text.contains("1 раз в день")));
}

#[tokio::test]
async fn a_message_without_a_tag_of_ours_costs_nothing() {
    let club = Club::open().await;
    club.take(&posted(1, CITY_CHAT, ANNA, 1, "Всем привет! #утро", photo())).await;
    club.take(&posted(2, TEAM_CHAT, ANNA, 2, "#отчет", json!({}))).await;
    club.take(&posted(3, CITY_CHAT, ANNA, 3, "#созвон #инсайт", photo())).await;
    club.world.engine.faults().reset_counts();
    let queues = club.world.engine.queues();
    let mut calls = Vec::new();
    for _ in 0..3 {
        let received = queues.receive(UPDATES, 1, None).unwrap();
        let records: Vec<_> = received
            .iter()
            .map(|message| {
                json!({
                    "messageId": message.message_id, "body": message.body,
                    "attributes": { "ApproximateReceiveCount": "1" }, "messageAttributes": {},
                    "eventSource": "aws:sqs",
                })
            })
            .collect();
        let instance = club.world.start(crate::bot::update()).await;
        let ran = club.world.run(&instance, &json!({ "Records": records })).await;
        assert_eq!(ran.0.unwrap()["batchItemFailures"], json!([]));
        calls.push((ran.1.requests, ran.1.items));
    }
    // A team's award: update, member, entry, place, reaction, message; and one read more for the
    // team. Two awards: update, member, reaction, and three for each.
    assert_eq!(calls, [(0, 0), (3, 6), (2, 9)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_messages_at_once_take_three_places() {
    let club = std::sync::Arc::new(Club::open().await);
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..20 {
        let club = std::sync::Arc::clone(&club);
        tasks.spawn(async move {
            let update = posted(n, CITY_CHAT, ANNA, n, "#инсайт", json!({})).to_string();
            let update = shared::telegram::Update::parse(update.as_bytes()).unwrap();
            let shared::telegram::Event::Message(message) = update.event else { panic!() };
            let now = club.world.now();
            let once = shared::telegram::TelegramUpdate { update_id: n, at: now };
            // Who is outrun five times comes again, as the queue would have it.
            for _ in 0..50 {
                match heard(&club.world.app, &message, once, now).await {
                    Ok(()) => return,
                    Err(problem) => assert_eq!(problem.code(), "conflict_retry"),
                }
            }
            panic!("never heard");
        });
    }
    tasks.join_all().await;
    assert_eq!((club.balance().await, club.count("AwardSlot").await), (120, 3));
    assert_eq!(club.count("TelegramUpdate").await, 20);
    let limits = club.told().await.into_iter().filter(|(_, text)| text.contains("лимит"));
    assert_eq!(limits.count(), 17);
}

#[tokio::test]
async fn a_reaction_is_set_however_often_and_told_once() {
    let club = Club::open().await;
    club.posts(CITY_CHAT, 1, "#инсайт", json!({})).await;
    let queue = club.world.app.outbox_queue.as_ref().unwrap();
    for outbox_id in ["reaction:1", "reaction:1", "hashtag:1:insight", "hashtag:1:insight"] {
        let hint = Hint { outbox_id: outbox_id.to_owned() };
        queue.send(&hint, SignedDuration::ZERO).await.unwrap();
        club.world.deliver(crate::outbox::deliver(), OUTBOX).await;
    }
    let reactions = club.bot.called("setMessageReaction");
    let expected = json!({
        "chat_id": CITY_CHAT, "message_id": 1,
        "reaction": [{ "type": "emoji", "emoji": "❤" }],
    });
    assert_eq!(reactions, [expected]);
    let told = club.bot.called("sendMessage");
    assert_eq!((told.len(), &told[0]["chat_id"]), (1, &json!(ANNA)));
}

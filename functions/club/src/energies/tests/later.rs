//! Hashtags that the bot hears of later: in edited messages, and in messages of days ago.

use super::hashtags::{DAY, city};
use super::*;

/// An update that tells the same of an edited message.
fn edits(mut update: Value) -> Value {
    update["edited_message"] = update["message"].take();
    update.as_object_mut().unwrap().remove("message");
    update
}

#[tokio::test]
async fn a_hashtag_that_an_edit_adds_earns_once() {
    let club = Club::open().await;
    let says = |n: i64, text: &str| {
        let mut update = posted(n, CITY_CHAT, ANNA, 7, text, photo());
        update["message"]["date"] = json!(club.world.now().seconds());
        update
    };
    club.hear(&says(1, "Хорошая встреча")).await;
    club.hear(&edits(says(2, "Хорошая встреча #инсайт"))).await;
    assert_eq!(club.earned().await, [(city("insight", 7), 40)]);
    // The same again, another of the same kind, and a call beside it.
    for (n, text, balance) in [
        (2, "Хорошая встреча #инсайт", 40),
        (3, "Хорошая встреча! #инсайт", 40),
        (4, "#инсайт #челлендж", 40),
        (5, "#челлендж", 40),
        (6, "#инсайт #созвон", 140),
        (7, "#инсайт #созвон #сторис", 140),
        (8, "без всего", 140),
    ] {
        club.hear(&edits(says(n, text))).await;
        assert_eq!(club.balance().await, balance, "{text}");
    }
    // What was written first and comes last.
    club.hear(&says(9, "#сторис #практика")).await;
    assert_eq!(club.balance().await, 140);
    let told: Vec<_> = club.told().await.into_iter().map(|(id, _)| id).collect();
    assert_eq!(told, ["hashtag:2:insight", "hashtag:6:sozvon"]);
    assert_eq!(club.reactions().await.len(), 2);
}

#[tokio::test]
async fn an_edit_counts_for_the_day_of_the_writing_and_for_no_stranger() {
    let club = Club::open().await;
    let wrote = club.world.now().seconds();
    let said = |n: i64, from: i64, id: i64, text: &str| {
        let mut update = posted(n, TEAM_CHAT, from, id, text, json!({}));
        update["message"]["date"] = json!(wrote);
        edits(update)
    };
    club.pass(2 * DAY);
    club.hear(&said(1, ANNA, 1, "#отчёт")).await;
    club.hear(&said(2, ANNA, 2, "#отчёт")).await;
    club.hear(&said(3, 5, 3, "#отчёт")).await;
    assert_eq!(club.balance().await, 50);
    assert_eq!(club.world.items("AwardSlot").await[0]["period"]["S"], "2026-02-03");
    club.posts(TEAM_CHAT, 4, "#отчёт", json!({})).await;
    assert_eq!(club.balance().await, 100, "today's place is free");
    club.pass(1);
    club.hear(&said(5, ANNA, 5, "#дз")).await;
    assert_eq!(club.balance().await, 100, "Telegram lets nobody edit it any more");
}

#[tokio::test]
async fn an_edit_does_not_tell_again_what_a_message_lacks() {
    let club = Club::open().await;
    club.posts(CITY_CHAT, 1, "#созвон", json!({})).await;
    assert_eq!(club.told().await.len(), 1);
    let mut bare = posted(2, CITY_CHAT, ANNA, 1, "#созвон!", json!({}));
    bare["message"]["date"] = json!(club.world.now().seconds());
    club.hear(&edits(bare)).await;
    assert_eq!((club.told().await.len(), club.balance().await), (1, 0));
    let mut shown = posted(3, CITY_CHAT, ANNA, 1, "#созвон", photo());
    shown["message"]["date"] = json!(club.world.now().seconds());
    club.hear(&edits(shown)).await;
    assert_eq!((club.told().await.len(), club.balance().await), (2, 100));
}

/// Anna has posted to a chat at `date_s`, and the bot hears of it now.
async fn heard_late(club: &Club, chat: i64, n: i64, text: &str, date_s: i64) {
    let mut update = posted(n, chat, ANNA, n, text, photo());
    update["message"]["date"] = json!(date_s);
    club.hear(&update).await;
}

#[tokio::test]
async fn a_message_counts_for_the_day_on_which_it_was_written() {
    let club = Club::open().await;
    // Ten seconds into the Monday of Moscow.
    club.pass(5 * DAY + 9 * 3_600 + 10);
    let now = club.world.now();
    let (sunday, monday) = (now.seconds() - 20, now.seconds() - 5);
    heard_late(&club, CITY_CHAT, 1, "#практика", sunday).await;
    assert_eq!(club.earned().await, [(city("praktika", 1), 50)]);
    for (n, date_s) in [(2, sunday), (3, sunday), (4, monday), (5, monday)] {
        heard_late(&club, TEAM_CHAT, n, "#отчет", date_s).await;
    }
    assert_eq!(club.balance().await, 150);
    let slots = club.world.items("AwardSlot").await;
    let mut periods: Vec<_> =
        slots.iter().map(|slot| slot["period"]["S"].as_str().unwrap()).collect();
    periods.sort_unstable();
    assert_eq!(periods, ["2026-02-08", "2026-02-09", "2026-W06"]);
    let (_, entries) = holds(&club.world, ANNA).await;
    assert!(entries.iter().all(|entry| entry.created_at == now), "{entries:?}");
    assert!(slots.iter().all(|slot| slot["at"]["S"] == now.to_string().as_str()), "{slots:?}");
}

#[tokio::test]
async fn what_is_said_of_the_future_or_of_days_ago_counts_for_now() {
    let club = Club::open().await;
    // Noon of a Monday, in UTC.
    club.pass(6 * DAY);
    let now = club.world.now().seconds();
    let day = i64::try_from(DAY).unwrap();
    for (n, date_s) in [(1, now + 6 * day), (2, now - day - 1), (3, 0), (4, i64::MAX)] {
        heard_late(&club, CITY_CHAT, n, "#практика", date_s).await;
    }
    assert_eq!(club.balance().await, 0);
    heard_late(&club, CITY_CHAT, 5, "#практика", now - day).await;
    assert_eq!(club.balance().await, 50);
}

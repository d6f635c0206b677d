//! The jobs that keep teams true.

use super::*;
use crate::testing::BotMood;

const DAY: u64 = 86_400;

async fn club() -> (Club, Team) {
    let club = Club::open().await;
    let team = club.made(json!({ "city": CITY, "tgChatId": CHAT })).await;
    for (tg_id, role) in [(1, "leader"), (2, "member"), (3, "member"), (4, "ambassador")] {
        let paid = Some(club.now() + days(90));
        club.world.put(&Member { subscription_expires: paid, ..club.plan(tg_id, CITY) }).await;
        club.puts(&team, tg_id, role).await;
    }
    (club, team)
}

#[tokio::test]
async fn who_is_gone_from_the_chat_is_gone_from_the_team_after_three_days() {
    let (club, team) = club().await;
    club.bot.books().gone = vec![2, 4];
    assert_eq!(club.world.tick(sync()).await.unwrap()["closed"], 0);
    assert_eq!(club.bot.called("getChatMember").len(), 0);
    club.pass(3 * DAY + 1);
    // An error is no word of Telegram's that somebody is not there.
    for mood in [BotMood::refusing(400, "Bad Request: user not found"), BotMood::refusing(500, "x")]
    {
        club.bot.feel(mood);
        assert_eq!(club.world.tick(sync()).await.unwrap()["closed"], 0);
    }
    club.bot.feel(BotMood::Fine);
    let ran = club.world.tick(sync()).await.unwrap();
    assert_eq!((&ran["closed"], &ran["complete"]), (&json!(2), &json!(true)), "{ran}");
    assert_eq!(club.world.tick(sync()).await.unwrap()["closed"], 0);
    let team = club.team_now(&team.id).await;
    assert_eq!((team.member_count, team.ambassador_count), (2, 0));
    club.check().await;
}

#[tokio::test]
async fn where_telegram_tells_to_wait_the_run_ends_and_the_next_goes_on() {
    let (club, team) = club().await;
    let other = club.made(json!({ "city": CITY, "tgChatId": CHAT - 1 })).await;
    for tg_id in [5, 6] {
        club.paid(tg_id).await;
        club.puts(&other, tg_id, "member").await;
    }
    club.bot.books().gone = vec![2, 6];
    club.pass(3 * DAY + 1);
    let looked = || club.bot.called("getChatMember");
    // It waits at the first call: nothing was looked at.
    club.bot.feel(BotMood::Patient(0));
    let ran = club.world.tick(sync()).await.unwrap();
    assert_eq!((&ran["closed"], &ran["complete"]), (&json!(0), &json!(false)), "{ran}");
    assert_eq!(looked().len(), 1);
    // All of the first team, and one of the other.
    club.bot.feel(BotMood::Patient(5));
    let ran = club.world.tick(sync()).await.unwrap();
    assert_eq!((&ran["closed"], &ran["complete"]), (&json!(1), &json!(false)), "{ran}");
    assert_eq!(looked().len(), 7);
    assert_eq!(club.team_now(&team.id).await.member_count, 2);
    // The next looks at the other team alone, and the one after it at all.
    club.bot.feel(BotMood::Fine);
    let ran = club.world.tick(sync()).await.unwrap();
    assert_eq!((&ran["closed"], &ran["complete"]), (&json!(1), &json!(true)), "{ran}");
    assert!(looked()[7..].iter().all(|asked| asked["chat_id"] == CHAT - 1), "{:?}", looked());
    assert_eq!((looked().len(), club.team_now(&other.id).await.member_count), (9, 1));
    assert_eq!(club.world.tick(sync()).await.unwrap()["complete"], true);
    assert_eq!(looked().len(), 13);
    club.check().await;
}

#[tokio::test]
async fn who_has_not_reported_for_thirty_days_loses_the_place_and_is_told_once() {
    let (club, team) = club().await;
    club.pass(30 * DAY);
    assert_eq!(club.world.tick(cleanup()).await.unwrap()["closed"], 0);
    club.pass(DAY);
    let unpaid = Member { subscription_expires: Some(club.now()), ..club.member(3).await };
    club.world.put(&unpaid).await;
    let ran = club.world.tick(cleanup()).await.unwrap();
    assert_eq!((&ran["closed"], &ran["complete"]), (&json!(1), &json!(true)), "{ran}");
    assert_eq!(club.world.tick(cleanup()).await.unwrap()["closed"], 0);
    assert_eq!(club.member(2).await.team_id, None);
    assert_eq!(club.team_now(&team.id).await.member_count, 2);
    let told = club.asked("answer").await;
    assert_eq!((told.len(), &told[0].1["tg_id"]["N"]), (1, &json!("2")));
    club.check().await;
}

//! The end of a subscription closes a place; a payment gives it back.

use super::*;
use crate::outbox::Message;
use crate::subscriptions::guard;

/// A member, paid until a while ago that the guard closes at its next run.
async fn ends(club: &Club, tg_id: i64) {
    let member = club.member(tg_id).await;
    let over = club.now() - days(1);
    club.world.put(&Member { subscription_expires: Some(over), ..member }).await;
}

async fn guards(club: &Club) -> Value {
    club.world.tick(guard()).await.unwrap()
}

/// A payment has come, as far as a subscription is concerned.
async fn pays(club: &Club, tg_id: i64) {
    let body = json!({ "telegram_id": tg_id, "days": 30 });
    let path = "/api/admin/grant-subscription";
    assert_eq!(club.office(crate::admin::grant(), path, body).await.status, 200);
}

#[tokio::test]
async fn the_guard_closes_the_place_once_and_vacates_the_lead() {
    let club = Club::open().await;
    let team = club.team(10).await;
    for (tg_id, role) in [(1, "leader"), (2, "member"), (3, "ambassador"), (4, "member")] {
        club.paid(tg_id).await;
        club.puts(&team, tg_id, role).await;
    }
    for tg_id in 1..=3 {
        ends(&club, tg_id).await;
    }
    assert_eq!(guards(&club).await["closed"], 3);
    assert_eq!(guards(&club).await["closed"], 0);
    let team = club.team_now(&team.id).await;
    assert_eq!((team.member_count, team.ambassador_count), (1, 0));
    assert!(team.needs_leader && team.leader_tg.is_none() && team.is_active);
    for (tg_id, role) in [(1, TeamRole::Leader), (2, TeamRole::Member), (3, TeamRole::Ambassador)] {
        let member = club.member(tg_id).await;
        assert_eq!((member.team_id, member.is_team_leader), (None, false));
        assert_eq!(member.last_team.unwrap().role, role);
    }
    assert_eq!(club.asked("closed").await.len(), 3);
    club.check().await;
}

#[tokio::test]
async fn a_payment_restores_the_place_and_the_lead_where_it_is_vacant() {
    let club = Club::open().await;
    let team = club.made(json!({ "city": CITY, "tgChatId": CHAT })).await;
    for (tg_id, role) in [(1, "leader"), (2, "member")] {
        club.paid(tg_id).await;
        club.puts(&team, tg_id, role).await;
        ends(&club, tg_id).await;
    }
    assert_eq!(guards(&club).await["closed"], 2);
    for tg_id in [1, 2] {
        // Before the payment there is nothing to give back.
        assert!(restore(&club.world.app, tg_id, club.now()).await.unwrap().is_none());
        pays(&club, tg_id).await;
        let restored = restore(&club.world.app, tg_id, club.now()).await.unwrap().unwrap();
        assert_eq!(restored.id, team.id);
        // Again it changes nothing.
        let version = club.member(tg_id).await.version;
        assert!(restore(&club.world.app, tg_id, club.now()).await.unwrap().is_some());
        assert_eq!(club.member(tg_id).await.version, version);
    }
    assert!(club.member(1).await.is_team_leader && !club.member(2).await.is_team_leader);
    assert_eq!(club.team_now(&team.id).await.member_count, 2);
    club.check().await;
}

#[tokio::test]
async fn where_the_team_is_led_or_full_another_place_does() {
    let club = Club::open().await;
    let team = club.team(2).await;
    for (tg_id, role) in [(1, "leader"), (2, "member")] {
        club.paid(tg_id).await;
        club.puts(&team, tg_id, role).await;
        ends(&club, tg_id).await;
    }
    assert_eq!(guards(&club).await["closed"], 2);
    club.paid(3).await;
    club.puts(&team, 3, "leader").await;
    pays(&club, 1).await;
    restore(&club.world.app, 1, club.now()).await.unwrap();
    let back = club.member(1).await;
    assert_eq!((back.team_id, back.team_role), (Some(team.id.clone()), Some(TeamRole::Member)));
    // The team is full now: no place, then one in a team of the city.
    pays(&club, 2).await;
    assert!(restore(&club.world.app, 2, club.now()).await.unwrap().is_none());
    let other = club.team(2).await;
    let restored = restore(&club.world.app, 2, club.now()).await.unwrap().unwrap();
    assert_eq!(restored.id, other.id);
    club.check().await;
}

#[tokio::test]
async fn who_has_left_by_hand_is_not_brought_back() {
    let club = Club::open().await;
    let team = club.team(2).await;
    club.paid(1).await;
    club.puts(&team, 1, "member").await;
    assert_eq!(club.leaves(1).await.status, 200);
    assert!(restore(&club.world.app, 1, club.now()).await.unwrap().is_none());
    assert_eq!(club.member(1).await.team_id, None);
    club.check().await;
}

#[tokio::test]
async fn a_settled_payment_brings_the_member_back_into_team_and_chat() {
    let club = Club::open().await;
    let team = club.made(json!({ "city": CITY, "tgChatId": CHAT })).await;
    club.paid(1).await;
    club.puts(&team, 1, "leader").await;
    ends(&club, 1).await;
    guards(&club).await;
    pays(&club, 1).await;
    let taken = Message::GiftTaken { gift_id: "g".to_owned(), giver: 9, recipient: 1, days: 30 };
    let row = crate::outbox::ask("activated:g", &taken, club.now()).unwrap();
    club.world.table().write(row).await.unwrap();
    club.pass(180);
    club.world.tick(crate::outbox::sweep()).await.unwrap();
    club.world.deliver(crate::outbox::deliver(), crate::testing::OUTBOX).await;
    assert!(club.member(1).await.is_team_leader);
    let unban = club.asked("unban").await;
    assert_eq!(unban.len(), 1, "{unban:?}");
    assert_eq!(unban[0].1["chat"]["N"], CHAT.to_string());
    club.check().await;
}

#[tokio::test]
async fn who_is_closed_leaves_the_chat_of_the_team_too() {
    let club = Club::open().await;
    let team = club.made(json!({ "city": CITY, "tgChatId": CHAT })).await;
    club.paid(1).await;
    club.puts(&team, 1, "member").await;
    ends(&club, 1).await;
    guards(&club).await;
    let follows =
        crate::subscriptions::follows(&club.world.app, "closed:1", 1, club.now()).await.unwrap();
    club.world.table().transact(follows).await.unwrap();
    assert_eq!(club.asked("kick").await.len(), 0);
    let away = club.asked("turn_away").await;
    assert_eq!(away.len(), 1, "{away:?}");
    assert_eq!(away[0].1["chat"]["N"], CHAT.to_string());
    // Out, and free to come again.
    club.pass(180);
    club.world.tick(crate::outbox::sweep()).await.unwrap();
    club.world.deliver(crate::outbox::deliver(), crate::testing::OUTBOX).await;
    let chats = |method: &str| {
        let calls = club.bot.called(method);
        calls.iter().map(|call| call["chat_id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(chats("banChatMember"), [json!(CHAT)]);
    assert_eq!(chats("unbanChatMember"), [json!(CHAT)]);
}

#[tokio::test]
async fn a_teams_chat_that_is_protected_too_is_left_once() {
    let club = Club::with(&[("PROTECTED_CHAT_IDS", &CHAT.to_string())]).await;
    let team = club.made(json!({ "city": CITY, "tgChatId": CHAT })).await;
    club.paid(1).await;
    club.puts(&team, 1, "member").await;
    ends(&club, 1).await;
    guards(&club).await;
    let follows =
        crate::subscriptions::follows(&club.world.app, "closed:1", 1, club.now()).await.unwrap();
    club.world.table().transact(follows).await.unwrap();
    let asked = (club.asked("kick").await.len(), club.asked("turn_away").await.len());
    assert_eq!(asked, (1, 0));
}

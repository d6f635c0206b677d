//! What Telegram tells out of turn.

use super::chats::{DATE, bot_is, person_is};
use super::*;
use crate::auth;
use crate::subscriptions::guard;
use crate::teams::model::Told;
use crate::teams::places::{Which, close};
use crate::teams::store;

/// The same, as it happened so many seconds after the clock of Telegram was looked at.
fn at(seconds: i64, mut told: Value) -> Value {
    for kind in ["my_chat_member", "chat_member"] {
        if let Some(change) = told.get_mut(kind) {
            change["date"] = json!(DATE + seconds);
        }
    }
    told
}

/// The bot is put out of the chat and made its administrator again, by turns, from the second
/// update on; each a second after the one before, or all in one.
fn by_turns(updates: i64, in_one_second: bool) -> Vec<Value> {
    let told = |id: i64| {
        let (old, new) = match id % 2 {
            0 => ("administrator", "left"),
            _ => ("left", "administrator"),
        };
        at(if in_one_second { 2 } else { id }, bot_is(id, 1, CHAT, old, new))
    };
    (2..2 + updates).map(told).collect()
}

fn orders(of: &[Value]) -> Vec<Vec<Value>> {
    if of.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for first in 0..of.len() {
        let mut rest = of.to_vec();
        let head = rest.remove(first);
        all.extend(orders(&rest).into_iter().map(|tail| [vec![head.clone()], tail].concat()));
    }
    all
}

/// A team of three that its leader has founded in a chat.
async fn founded() -> Club {
    let club = Club::open().await;
    club.founder(1).await;
    club.hears(bot_is(1, 1, CHAT, "left", "administrator")).await;
    for tg_id in [2, 3] {
        club.paid(tg_id).await;
        club.puts(&club.only().await, tg_id, "member").await;
    }
    club
}

#[tokio::test]
async fn the_last_word_about_the_bot_counts_in_whatever_order_it_is_told() {
    for (updates, in_one_second) in
        [(1, false), (2, false), (2, true), (3, false), (3, true), (4, false)]
    {
        for order in orders(&by_turns(updates, in_one_second)) {
            let club = founded().await;
            for told in &order {
                club.hears(told.clone()).await;
                club.check().await;
            }
            for told in &order {
                club.hears(told.clone()).await;
            }
            assert_eq!(club.only().await.is_active, updates % 2 == 0, "{order:?}");
            club.check().await;
        }
    }
}

#[tokio::test]
async fn a_removal_that_is_heard_after_the_return_closes_no_place() {
    for in_one_second in [false, true] {
        let club = founded().await;
        let told = by_turns(2, in_one_second);
        for told in [&told[1], &told[0], &told[1], &told[0]] {
            club.hears(told.clone()).await;
            let team = club.only().await;
            let stands = (team.is_active, team.member_count, team.leader_tg);
            assert_eq!(stands, (true, 3, Some(1)), "{in_one_second}");
            club.check().await;
        }
        // The link is the bot's own: with the bot, it went.
        assert_eq!(club.asked("invite_link").await.len(), 2);
    }
}

#[tokio::test]
async fn what_was_read_before_a_later_word_about_the_bot_ends_no_team() {
    let club = founded().await;
    let (read, table) = (club.only().await, club.world.table());
    club.hears(bot_is(3, 1, CHAT, "left", "administrator")).await;
    let older = Told { date_s: DATE + 2, update_id: 2 };
    let refused = table.transact(store::ending(&read, older, club.now())).await.unwrap_err();
    assert!(refused.refusal().unwrap().is_only("team"));
    // Who was about to close the places of a team that had ended leaves those that are there.
    let which = Which::Ended(&read.id);
    assert!(close(table, 2, which, Memory::Kept, club.now()).await.unwrap().is_none());
    assert_eq!(club.only().await.member_count, 3);
    club.check().await;
    let later = Told { date_s: DATE + 3, update_id: 4 };
    table.transact(store::ending(&read, later, club.now())).await.unwrap();
    assert!(close(table, 2, which, Memory::Kept, club.now()).await.unwrap().is_some());
    assert_eq!(club.only().await.member_count, 2);
}

#[tokio::test]
async fn what_was_told_before_a_place_was_given_back_does_not_close_it() {
    let club = Club::open().await;
    let team = club.made(json!({ "city": CITY, "tgChatId": CHAT })).await;
    club.paid(2).await;
    club.puts(&team, 2, "member").await;
    let expires = |at: Instant, member: Member| Member { subscription_expires: Some(at), ..member };
    club.world.put(&expires(club.now() - days(1), club.member(2).await)).await;
    assert_eq!(club.world.tick(guard()).await.unwrap()["closed"], 1);
    club.pass(10);
    club.world.put(&expires(club.now() + days(9), club.member(2).await)).await;
    assert!(restore(&club.world.app, 2, club.now()).await.unwrap().is_some());
    // Put out before the place was given back, or in the same second.
    for (id, seconds) in [(1, 9), (2, 10)] {
        for _ in 0..2 {
            club.hears(at(seconds, person_is(id, 2, CHAT, "member", "kicked"))).await;
            assert_eq!(club.team_now(&team.id).await.member_count, 1, "{seconds}");
            club.check().await;
        }
    }
    club.hears(at(11, person_is(3, 2, CHAT, "member", "kicked"))).await;
    assert_eq!(club.team_now(&team.id).await.member_count, 0);
    club.check().await;
}

#[tokio::test]
async fn who_leaves_and_comes_again_keeps_the_place_in_whatever_order_it_is_told() {
    for (left_s, came_s) in [(20, 21), (20, 20)] {
        let left = at(left_s, person_is(5, 2, CHAT, "member", "left"));
        let came = at(came_s, person_is(6, 2, CHAT, "left", "member"));
        for order in [[&left, &came], [&came, &left]] {
            let club = founded().await;
            for told in [order, order].concat() {
                club.hears(told.clone()).await;
                club.check().await;
            }
            assert_eq!(club.only().await.member_count, 3, "{order:?}");
            assert_eq!(club.member(2).await.team_role, Some(TeamRole::Member));
            // Gone at last, in the same second even.
            club.hears(at(came_s, person_is(7, 2, CHAT, "member", "left"))).await;
            assert_eq!(club.only().await.member_count, 2, "{order:?}");
            club.check().await;
        }
    }
}

#[tokio::test]
async fn a_place_is_as_old_as_the_word_that_gave_it_however_late_it_was_heard() {
    let club = founded().await;
    club.paid(4).await;
    club.pass(600);
    club.hears(at(20, person_is(5, 4, CHAT, "left", "member"))).await;
    assert_eq!(club.only().await.member_count, 4);
    for (id, tg_id) in [(6, 4), (7, 1)] {
        club.hears(at(25, person_is(id, tg_id, CHAT, "member", "left"))).await;
        club.check().await;
    }
    assert_eq!((club.only().await.member_count, club.only().await.leader_tg), (2, None));
}

#[tokio::test]
async fn what_was_read_before_somebody_came_again_closes_no_place() {
    let club = founded().await;
    let (team, table, now) = (club.only().await, club.world.table(), club.now());
    let closes = async |leaving: Leaving| {
        let member = auth::find(table, 2).await.unwrap().unwrap();
        let mut writes = vec![leaving.on(queued(auth::change(&member, now), &member))];
        writes.extend(leaving.writes());
        table.transact(writes).await
    };
    let reads = async || {
        let member = club.member(2).await;
        let leaving = Leaving::of(table, &member, Memory::Lost).await.unwrap().unwrap();
        leaving.only(store::place(table, &team.id, 2).await.unwrap())
    };
    for id in [5, 6] {
        let read = reads().await;
        club.hears(person_is(id, 2, CHAT, "left", "member")).await;
        let refused = closes(read).await.unwrap_err().refusal().unwrap();
        assert!(refused.is_only("membership"), "{refused:?}");
    }
    // Nor does who was about to note a coming give back what was given up meanwhile.
    let place = store::place(table, &team.id, 2).await.unwrap().unwrap();
    let late = store::noting(&place, Told { date_s: DATE + 9, update_id: 9 });
    club.hears(person_is(7, 2, CHAT, "member", "left")).await;
    assert!(table.transact(vec![late]).await.unwrap_err().refusal().unwrap().has("membership"));
    assert_eq!(club.all::<Membership>().await.len(), 2);
    club.check().await;
}

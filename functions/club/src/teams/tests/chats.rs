//! The bot and members come into chats of teams, and go.

use super::*;
use crate::bot::{update, webhook};
use crate::testing::{UPDATES, WEBHOOK_SECRET};

/// What the clock of Telegram shows.
pub(super) const DATE: i64 = 1_769_860_800;

fn place(id: i64, status: &str, is_bot: bool) -> Value {
    let rules = status == "administrator";
    json!({
        "user": { "id": id, "is_bot": is_bot, "first_name": "X" }, "status": status,
        "can_restrict_members": rules, "can_invite_users": rules,
    })
}

/// The bot's place in a chat has changed.
pub(super) fn bot_is(id: i64, by: i64, chat: i64, old: &str, new: &str) -> Value {
    json!({ "update_id": id, "my_chat_member": {
        "chat": { "id": chat, "type": "supergroup", "title": "Десятка" },
        "from": { "id": by, "is_bot": false, "first_name": "X" }, "date": DATE + id,
        "old_chat_member": place(7_000_000_001, old, true),
        "new_chat_member": place(7_000_000_001, new, true),
    } })
}

/// Somebody's place in a chat has changed.
pub(super) fn person_is(id: i64, who: i64, chat: i64, old: &str, new: &str) -> Value {
    json!({ "update_id": id, "chat_member": {
        "chat": { "id": chat, "type": "supergroup", "title": "Десятка" },
        "from": { "id": who, "is_bot": false, "first_name": "X" }, "date": DATE + id,
        "old_chat_member": place(who, old, false), "new_chat_member": place(who, new, false),
    } })
}

impl Club {
    /// Telegram delivers an update, and it has its effect.
    pub(super) async fn hears(&self, told: Value) {
        let request = Request::post("/api/v1/bot/webhook", told)
            .header("x-telegram-bot-api-secret-token", WEBHOOK_SECRET);
        assert_eq!(self.call(webhook(), request).await.status, 200);
        assert_eq!(self.world.deliver(update(), UPDATES).await, (1, 0));
    }

    /// A member who may lead.
    pub(super) async fn founder(&self, tg_id: i64) -> Member {
        let member = Member { can_lead: true, ..self.plan(tg_id, CITY) };
        self.world.put(&member).await;
        member
    }

    /// The outbox does what it says.
    async fn delivers(&self) {
        self.pass(180);
        self.world.tick(crate::outbox::sweep()).await.unwrap();
        self.world.deliver(crate::outbox::deliver(), crate::testing::OUTBOX).await;
    }

    pub(super) async fn only(&self) -> Team {
        let teams = self.all::<Team>().await;
        assert_eq!(teams.len(), 1, "{teams:?}");
        teams.into_iter().next().unwrap()
    }
}

#[tokio::test]
async fn whoever_makes_the_bot_an_administrator_founds_a_team() {
    let club = Club::open().await;
    let founder = club.founder(1).await;
    for _ in 0..2 {
        club.hears(bot_is(1, 1, CHAT, "left", "administrator")).await;
    }
    let team = club.only().await;
    assert_eq!((team.name.as_str(), team.number), ("Десятка №1 Москва", 1));
    assert_eq!((team.tg_chat_id, team.member_count), (Some(CHAT), 1));
    assert_eq!(team.leader_id.as_ref(), Some(&founder.id));
    assert!(club.member(1).await.is_team_leader);
    club.check().await;
    assert_eq!(of_chat(club.world.table(), CHAT).await.unwrap().unwrap().id, team.id);
    assert_eq!(team.invite_link, None);
    club.delivers().await;
    assert!(club.only().await.invite_link.unwrap().starts_with("https://t.me/+link"));
    assert_eq!(club.bot.called("leaveChat").len(), 0);
    club.check().await;
}

#[tokio::test]
async fn who_may_not_is_told_why_and_the_bot_leaves() {
    let club = Club::open().await;
    club.paid(1).await;
    club.hears(bot_is(1, 1, CHAT, "left", "administrator")).await;
    club.hears(bot_is(2, 99, CHAT - 1, "left", "administrator")).await;
    club.founder(2).await;
    let mut powerless = bot_is(3, 2, CHAT - 2, "left", "administrator");
    powerless["my_chat_member"]["new_chat_member"]["can_invite_users"] = json!(false);
    club.hears(powerless).await;
    // A member of the chat is no administrator yet.
    club.hears(bot_is(4, 2, CHAT - 3, "left", "member")).await;
    assert_eq!(club.all::<Team>().await.len(), 0);
    club.delivers().await;
    let left: Vec<Value> = club.bot.called("leaveChat");
    assert_eq!(left.len(), 3);
    let said: Vec<String> = club
        .bot
        .called("sendMessage")
        .iter()
        .map(|body| body["text"].as_str().unwrap().to_owned())
        .collect();
    assert!(said.iter().any(|text| text.contains("после подтверждения")), "{said:?}");
    assert!(said.iter().any(|text| text.contains("активной подпиской")), "{said:?}");
    assert!(said.iter().any(|text| text.contains("с правами")), "{said:?}");
    club.check().await;
}

#[tokio::test]
async fn who_leads_already_founds_no_other_and_who_is_in_a_team_leaves_it() {
    let club = Club::open().await;
    let team = club.team(10).await;
    club.founder(1).await;
    club.puts(&team, 1, "member").await;
    club.hears(bot_is(1, 1, CHAT, "left", "administrator")).await;
    assert_eq!(club.team_now(&team.id).await.member_count, 0);
    let own = of_chat(club.world.table(), CHAT).await.unwrap().unwrap();
    assert_eq!((own.number, own.leader_tg), (2, Some(1)));
    club.check().await;
    club.hears(bot_is(2, 1, CHAT - 1, "left", "administrator")).await;
    assert_eq!(club.all::<Team>().await.len(), 2);
    assert_eq!(club.asked("leave_chat").await.len(), 1);
    club.check().await;
}

#[tokio::test]
async fn a_removed_bot_ends_the_team_and_the_same_chat_begins_it_again() {
    let club = Club::open().await;
    club.founder(1).await;
    club.hears(bot_is(1, 1, CHAT, "left", "administrator")).await;
    let team = club.only().await;
    for tg_id in 2..=4 {
        club.paid(tg_id).await;
        club.puts(&team, tg_id, "member").await;
    }
    for _ in 0..2 {
        club.hears(bot_is(2, 1, CHAT, "administrator", "left")).await;
        let ended = club.only().await;
        assert!(!ended.is_active && ended.needs_leader && ended.member_count == 0);
        assert_eq!(club.all::<Membership>().await.len(), 0);
        assert!(!club.member(1).await.is_team_leader);
        club.check().await;
    }
    // What is older than that has no effect.
    club.hears(json!({ "update_id": 50, "my_chat_member":
        bot_is(1, 1, CHAT, "left", "administrator")["my_chat_member"] }))
        .await;
    assert!(!club.only().await.is_active);
    club.hears(bot_is(3, 1, CHAT, "left", "administrator")).await;
    let again = club.only().await;
    assert_eq!((again.id.as_str(), again.number, again.is_active), (team.id.as_str(), 1, true));
    assert_eq!((again.leader_tg, again.member_count), (Some(1), 1));
    club.check().await;
    // Its members may join it again.
    assert_eq!(club.joins(2).await["decadeName"], "Десятка №1 Москва");
    club.check().await;
}

#[tokio::test]
async fn a_team_that_somebody_else_brings_back_needs_a_leader() {
    let club = Club::open().await;
    club.founder(1).await;
    club.hears(bot_is(1, 1, CHAT, "left", "administrator")).await;
    club.hears(bot_is(2, 1, CHAT, "administrator", "kicked")).await;
    club.hears(bot_is(3, 99, CHAT, "left", "administrator")).await;
    let team = club.only().await;
    assert!(team.is_active && team.needs_leader && team.member_count == 0);
    club.check().await;
}

#[tokio::test]
async fn a_group_that_grows_takes_its_team_along() {
    let club = Club::open().await;
    club.founder(1).await;
    club.hears(bot_is(1, 1, -500, "left", "administrator")).await;
    club.delivers().await;
    // The supergroup may tell of the bot before the group tells of the supergroup.
    club.hears(bot_is(2, 1, CHAT, "left", "administrator")).await;
    assert_eq!(club.asked("leave_chat").await.len(), 0);
    let moves = json!({ "update_id": 3, "message": {
        "message_id": 9, "date": DATE, "chat": { "id": -500, "type": "group" },
        "migrate_to_chat_id": CHAT,
    } });
    for _ in 0..2 {
        club.hears(moves.clone()).await;
    }
    let team = club.only().await;
    assert_eq!((team.tg_chat_id, team.invite_link), (Some(CHAT), None));
    assert!(of_chat(club.world.table(), -500).await.unwrap().is_none());
    club.delivers().await;
    assert!(club.only().await.invite_link.is_some());
    club.check().await;
}

#[tokio::test]
async fn a_group_that_any_of_its_members_upgrades_takes_its_team_along() {
    let club = Club::open().await;
    club.founder(1).await;
    club.hears(bot_is(1, 1, -500, "left", "administrator")).await;
    let team = club.only().await;
    club.paid(2).await;
    club.founder(3).await;
    for tg_id in [2, 3] {
        club.puts(&team, tg_id, "member").await;
        club.hears(bot_is(tg_id, tg_id, CHAT, "left", "administrator")).await;
    }
    assert_eq!((club.asked("leave_chat").await.len(), club.only().await.member_count), (0, 3));
    club.hears(json!({ "update_id": 4, "message": {
        "message_id": 9, "date": DATE, "chat": { "id": -500, "type": "group" },
        "migrate_to_chat_id": CHAT,
    } }))
    .await;
    let team = club.only().await;
    assert_eq!((team.tg_chat_id, team.is_active), (Some(CHAT), true));
    club.check().await;
}

#[tokio::test]
async fn the_bot_does_not_leave_what_has_become_a_teams_chat_meanwhile() {
    let club = Club::open().await;
    let member = club.paid(1).await;
    club.hears(bot_is(1, 1, CHAT, "left", "administrator")).await;
    assert_eq!(club.asked("leave_chat").await.len(), 1);
    // Allowed at last, the member makes the bot an administrator once more.
    club.world.put(&Member { can_lead: true, ..member }).await;
    club.hears(bot_is(2, 1, CHAT, "member", "administrator")).await;
    assert!(club.only().await.is_active);
    club.delivers().await;
    assert_eq!((club.bot.called("leaveChat").len(), club.bot.called("sendMessage").len()), (0, 0));
    club.check().await;
}

#[tokio::test]
async fn the_bot_stays_in_the_chat_of_a_city() {
    let club = Club::open().await;
    club.paid(1).await;
    club.founder(2).await;
    // Asked to leave before it was said whose chat it is.
    club.hears(bot_is(1, 1, CHAT, "left", "administrator")).await;
    let request = Request::post(&format!("/api/admin/city-chats/{CHAT}"), json!({ "city": CITY }))
        .method(Method::PUT)
        .header("x-admin-secret", ADMIN);
    assert_eq!(club.call(crate::energies::set_city_chat(), request).await.status, 200);
    for by in [1, 2, 99] {
        club.hears(bot_is(10 + by, by, CHAT, "left", "administrator")).await;
    }
    assert_eq!((club.asked("leave_chat").await.len(), club.all::<Team>().await.len()), (1, 0));
    club.delivers().await;
    assert_eq!(club.bot.called("leaveChat").len(), 0);
}

#[tokio::test]
async fn who_leaves_the_chat_leaves_the_team_once() {
    let club = Club::open().await;
    club.founder(1).await;
    club.hears(bot_is(1, 1, CHAT, "left", "administrator")).await;
    let team = club.only().await;
    club.paid(2).await;
    club.puts(&team, 2, "member").await;
    for _ in 0..2 {
        club.hears(person_is(2, 2, CHAT, "member", "left")).await;
        assert_eq!(club.only().await.member_count, 1);
        assert_eq!(club.member(2).await.last_team, None);
        club.check().await;
    }
    club.hears(person_is(3, 1, CHAT, "creator", "left")).await;
    let team = club.only().await;
    assert!(team.needs_leader && team.member_count == 0 && team.is_active);
    club.check().await;
}

#[tokio::test]
async fn who_comes_into_the_chat_has_a_place_if_paid_and_is_turned_away_if_not() {
    let club = Club::open().await;
    club.founder(1).await;
    club.hears(bot_is(1, 1, CHAT, "left", "administrator")).await;
    club.paid(2).await;
    club.world.put(&club.plan(3, "Казань")).await;
    club.hears(person_is(2, 2, CHAT, "left", "member")).await;
    club.hears(person_is(3, 3, CHAT, "left", "member")).await;
    club.hears(person_is(4, 4, CHAT, "left", "member")).await;
    assert_eq!(club.only().await.member_count, 2);
    assert_eq!(club.member(2).await.team_role, Some(TeamRole::Member));
    assert_eq!(club.member(3).await.team_id, None);
    let away = club.asked("turn_away").await;
    assert_eq!((away.len(), &away[0].1["tg_id"]["N"]), (1, &json!("4")));
    club.check().await;
}

/// What Telegram tells in turn, and how the team stands after the last of it.
const STORY: [(&str, &str, bool, u32); 3] = [
    ("left", "administrator", true, 1),
    ("administrator", "left", false, 0),
    ("left", "administrator", true, 1),
];

impl Club {
    /// Tells the story up to a chapter; members join after the first.
    async fn so_far(chapter: usize) -> Self {
        let club = Self::open().await;
        club.founder(1).await;
        for (n, (old, new, ..)) in (1..).zip(STORY.iter().take(chapter)) {
            club.hears(bot_is(n, 1, CHAT, old, new)).await;
            if n == 1 {
                for tg_id in [2, 3] {
                    club.paid(tg_id).await;
                    club.puts(&club.only().await, tg_id, "member").await;
                }
            }
        }
        club
    }

    /// Tells a chapter, again if it was not taken.
    async fn tells(&self, chapter: usize) {
        let (old, new, ..) = STORY[chapter];
        let told = bot_is(i64::try_from(chapter).unwrap() + 1, 1, CHAT, old, new);
        let request = Request::post("/api/v1/bot/webhook", told)
            .header("x-telegram-bot-api-secret-token", WEBHOOK_SECRET);
        assert_eq!(self.call(webhook(), request).await.status, 200);
        self.world.deliver(update(), UPDATES).await;
    }
}

#[tokio::test]
async fn an_update_that_dies_anywhere_is_told_again_and_has_its_effect() {
    use engine::{CrashMode, CrashPlan};
    let caller = "local-club-bot-update";
    for (chapter, (_, _, is_active, members)) in STORY.into_iter().enumerate() {
        let club = Club::so_far(chapter).await;
        club.world.engine.faults().reset_counts();
        club.tells(chapter).await;
        let calls = club.world.engine.faults().seen(Some(caller));
        assert!(calls >= 4, "{chapter}: {calls}");
        for at in 0..calls {
            for mode in [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer] {
                let club = Club::so_far(chapter).await;
                let plan = CrashPlan { caller: Some(caller.to_owned()), at, mode };
                club.world.engine.faults().crash(plan);
                club.tells(chapter).await;
                assert!(club.world.engine.faults().crashed(), "{chapter} {mode:?} at {at}");
                club.world.engine.faults().clear();
                // The queue shows it again.
                club.pass(3_600);
                club.world.deliver(update(), UPDATES).await;
                let team = club.only().await;
                let stands = (team.is_active, team.member_count, team.leader_tg.is_some());
                assert_eq!(stands, (is_active, members, is_active), "{chapter} {mode:?} at {at}");
                club.check().await;
            }
        }
    }
}

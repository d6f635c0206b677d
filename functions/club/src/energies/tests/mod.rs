//! Energies against the embedded engine.

mod by_hand;
mod city_chats;
mod crashes;
mod expiring;
mod hashtags;
mod later;
mod ledger;
mod permissions;
mod progress;
mod storm;
mod triggers;

use std::time::Duration;

use serde_json::{Value, json};
use shared::clock::days;

use super::*;
use crate::auth::{Member, member_key};
use crate::testing::{BotServer, Reply, Request, UPDATES, WEBHOOK_SECRET, World};

/// The administrators' secret in these worlds.
const SECRET: &str = "test-admin-secret-0123456789abcdef01";
/// The chat of a team.
const TEAM_CHAT: i64 = -1_001_000_000_001;
/// The chat of Moscow.
const CITY_CHAT: i64 = -1_001_000_000_002;
/// The member of these tests.
const ANNA: i64 = 1_000_000_001;

async fn account(world: &World, tg_id: i64) -> (Member, Vec<EnergyEntry>) {
    store::account(world.table(), &member_key(tg_id).pk).await.unwrap().unwrap()
}

/// The account, in which everything adds up.
async fn holds(world: &World, tg_id: i64) -> (Member, Vec<EnergyEntry>) {
    let (member, entries) = account(world, tg_id).await;
    assert_eq!(model::findings(&member, &entries), []);
    (member, entries)
}

fn pay(n: u32, amount: u32) -> Award {
    Award::payment(&format!("p{n}")).of(amount)
}

fn refund(n: u32, amount: u32) -> Expense {
    Expense::refund("p", &format!("r{n}"), amount)
}

/// A request of an administrator.
fn asked(path: &str, body: Value) -> Request {
    Request::post(path, body).header("x-admin-secret", SECRET)
}

async fn post(world: &World, function: Function<App>, path: &str, body: Value) -> Reply {
    world.call(function, asked(path, body)).await
}

fn code(reply: &Reply) -> (u16, String) {
    (reply.status.as_u16(), reply.body["code"].as_str().unwrap_or_default().to_owned())
}

/// A club with a bot, a team with a chat and a city with one.
struct Club {
    world: World,
    bot: BotServer,
}

impl Club {
    /// On a Tuesday, with Anna in both chats.
    async fn open() -> Self {
        let bot = BotServer::start().await;
        let world = World::with(&[("TELEGRAM_API_URL", bot.url.as_str())]).await;
        let club = Self { world, bot };
        // From Saturday noon to Tuesday noon.
        club.pass(3 * 86_400);
        let path = format!("/api/admin/city-chats/{CITY_CHAT}");
        let body = json!({ "city": " МОСКВА ", "inviteLink": "https://t.me/+abc" });
        let request = asked(&path, body).method(http::Method::PUT);
        assert_eq!(club.world.call(set_city_chat(), request).await.status, 200);
        club.team("team-1", TEAM_CHAT, true).await;
        club.joins(ANNA).await;
        club
    }

    async fn team(&self, id: &str, chat: i64, is_active: bool) {
        let team = crate::teams::Team {
            id: id.to_owned(),
            name: "Десятка №1 Москва".to_owned(),
            city: "Москва".to_owned(),
            city_key: "москва".to_owned(),
            number: 1,
            metka: None,
            description: None,
            tg_chat_id: Some(chat),
            invite_link: None,
            member_count: 1,
            ambassador_count: 0,
            max_members: 10,
            leader_id: None,
            leader_tg: None,
            needs_leader: true,
            is_active,
            chat_changed_s: 0,
            chat_changed_by: 0,
            version: 1,
            created_at: self.world.now(),
        };
        self.world.put(&team).await;
    }

    /// A paid member of the team and the city.
    async fn joins(&self, tg_id: i64) -> Member {
        let member = Member {
            subscription_expires: Some(self.world.now() + days(400)),
            city: Some("Москва".to_owned()),
            city_key: Some("москва".to_owned()),
            team_id: Some("team-1".to_owned()),
            ..self.world.member(tg_id).await
        };
        self.world.put(&member).await;
        member
    }

    fn pass(&self, seconds: u64) {
        self.world.pass(Duration::from_secs(seconds));
    }

    /// Telegram delivers an update, and what it asks for is done.
    async fn hear(&self, update: &Value) {
        self.take(update).await;
        assert_eq!(self.world.deliver(crate::bot::update(), UPDATES).await.1, 0, "{update}");
    }

    async fn take(&self, update: &Value) {
        let request = Request::post("/api/v1/bot/webhook", update.clone())
            .header("x-telegram-bot-api-secret-token", WEBHOOK_SECRET);
        assert_eq!(self.world.call(crate::bot::webhook(), request).await.status, 200);
    }

    /// Anna posts to a chat, under an update and as a message of this number.
    async fn posts(&self, chat: i64, n: i64, text: &str, more: Value) {
        self.hear(&posted(n, chat, ANNA, n, text, more)).await;
    }

    async fn balance(&self) -> i64 {
        holds(&self.world, ANNA).await.0.balance
    }

    /// Keys and amounts of Anna's entries, by key.
    async fn earned(&self) -> Vec<(String, i64)> {
        let (_, entries) = holds(&self.world, ANNA).await;
        entries.into_iter().map(|entry| (entry.key, entry.delta)).collect()
    }

    /// What the outbox says to its readers, by id.
    async fn told(&self) -> Vec<(String, String)> {
        let rows = self.world.items("Outbox").await;
        let text = |row: &Value, name: &str| row[name]["S"].as_str().unwrap().to_owned();
        let answers = rows.iter().filter(|row| row["payload"]["M"]["message"]["S"] == "answer");
        answers.map(|row| (text(row, "id"), text(&row["payload"]["M"], "text"))).collect()
    }

    /// The reactions that are asked for: their messages and what they are.
    async fn reactions(&self) -> Vec<(String, String)> {
        let rows = self.world.items("Outbox").await;
        let of = rows.iter().map(|row| &row["payload"]["M"]);
        let reactions = of.filter(|said| said["message"]["S"] == "react");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        reactions.map(|said| (text(&said["message_id"]["N"]), text(&said["emoji"]["S"]))).collect()
    }

    async fn count(&self, kind: &str) -> usize {
        self.world.items(kind).await.len()
    }
}

/// A message in a group.
fn posted(update: i64, chat: i64, from: i64, id: i64, text: &str, more: Value) -> Value {
    let media = more.as_object().is_some_and(|more| !more.is_empty());
    let mut message = json!({
        "message_id": id, "date": 1_769_860_800,
        "from": { "id": from, "is_bot": false, "first_name": "Анна" },
        "chat": { "id": chat, "type": "supergroup", "title": "Чат" },
        (if media { "caption" } else { "text" }): text,
    });
    message.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    json!({ "update_id": update, "message": message })
}

/// A photo.
fn photo() -> Value {
    json!({ "photo": [{ "file_id": "x", "file_unique_id": "y", "width": 1, "height": 1 }] })
}

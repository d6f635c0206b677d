//! The chats of cities: which chat is whose, and how to come into a city's.
//!
//! Any number of chats may be a city's; its members are shown the one that was set last.

use axum::extract::State;
use axum::routing::put;
use serde::{Deserialize, Serialize};
use shared::clock::{Instant, Now};
use shared::function::{Access, Function};
use shared::http::{Answer, Json, Params};
use shared::problem::{Problem, Result};
use shared::retry::{Round, optimistic};
use shared::table::{Entity, Key, Rows, Table, Write};
use shared::telegram::TelegramUpdate;
use utoipa::ToSchema;

use crate::auth::{city_key, is_city_name};
use crate::outbox::{self, Message};
use crate::wire::{self, success};
use crate::{App, texts};

/// Characters of a link.
const LINK_MAX: usize = 255;

/// `PUT /api/admin/city-chats/{chat_id}`.
#[must_use]
pub fn set_city_chat() -> Function<App> {
    Function::<App>::put("club-admin-city-chat", "/api/admin/city-chats/{chat_id}")
        .summary("Says whose chat a city's chat is")
        .access(Access::Admin)
        .limited(wire::ADMIN)
        .takes::<CityChatFields>()
        .answers::<CityChatSet>()
        .handled_by(put(handle))
}

/// The chat of a city.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CityChat {
    /// Telegram's id of the chat.
    pub(super) chat_id: i64,
    /// The city as compared.
    pub(super) city_key: String,
    /// The city as it was written.
    pub(super) city: String,
    /// How to come in.
    pub(super) invite_link: Option<String>,
    /// When it was set last.
    pub(super) at: Instant,
}

impl CityChat {
    /// Where the city of this chat is.
    pub(super) fn key_of(chat_id: i64) -> Key {
        Key::new(format!("CITYCHAT#{chat_id}"), "CITYCHAT")
    }
}

impl Entity for CityChat {
    const KIND: &'static str = "CityChat";

    fn key(&self) -> Key {
        Self::key_of(self.chat_id)
    }
}

/// How to come into the chat of a city, for those who know the city.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct CityDoor {
    /// The city as compared.
    city_key: String,
    /// The chat that was set last.
    chat_id: i64,
    /// See [`CityChat::invite_link`].
    invite_link: Option<String>,
}

impl CityDoor {
    fn of(chat: &CityChat) -> Self {
        let (city_key, invite_link) = (chat.city_key.clone(), chat.invite_link.clone());
        Self { city_key, chat_id: chat.chat_id, invite_link }
    }
}

impl Entity for CityDoor {
    const KIND: &'static str = "CityDoor";

    fn key(&self) -> Key {
        city_door(&self.city_key)
    }
}

/// Where it stands how to come into a city's chat.
#[must_use]
pub fn city_door(city_key: &str) -> Key {
    Key::new(format!("CITY#{city_key}"), "CHAT")
}

/// The link into a city's chat, among rows that were read with [`city_door`].
///
/// # Errors
/// When the row is something else.
pub fn city_link(rows: &Rows, city_key: &str) -> Result<Option<String>> {
    let door: Option<CityDoor> = rows.get(&city_door(city_key))?;
    Ok(door.and_then(|door| door.invite_link))
}

/// Is this the chat of a city? One read.
///
/// # Errors
/// When the store does not answer.
pub async fn is_city_chat(table: &Table, chat_id: i64) -> Result<bool> {
    Ok(table.get::<CityChat>(&CityChat::key_of(chat_id)).await?.is_some())
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CityChatFields {
    /// 1 to 80 letters, spaces and `-.'()`.
    city: String,
    /// `https://…`, 255 characters at most.
    invite_link: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct CityChatSet {}

/// A link as it may be kept; an empty one is none.
fn read_link(link: Option<String>) -> Result<Option<String>> {
    let Some(link) = link.filter(|link| !link.is_empty()) else { return Ok(None) };
    let is_plain = link.chars().all(|c| c.is_ascii_graphic());
    match is_plain && link.len() <= LINK_MAX && link.starts_with("https://") {
        true => Ok(Some(link)),
        false => Err(Problem::invalid("inviteLink", "https://…, 255 characters at most")),
    }
}

/// One read and one transaction of two items, of three where the chat was another city's.
async fn handle(
    State(app): State<App>,
    Now(now): Now,
    Params(chat_id): Params<i64>,
    Json(fields): Json<CityChatFields>,
) -> Answer {
    if !is_city_name(&fields.city) {
        return Err(Problem::invalid("city", "1 to 80 letters, spaces and -.'()"));
    }
    let chat = CityChat {
        chat_id,
        city_key: city_key(&fields.city),
        city: fields.city.trim().to_owned(),
        invite_link: read_link(fields.invite_link)?,
        at: now,
    };
    optimistic(|| set(&app.platform.table, &chat)).await?;
    success(CityChatSet {})
}

/// Replaces the whole of a chat, and what its city, or an earlier one, is shown of it.
async fn set(table: &Table, chat: &CityChat) -> Result<Round<()>> {
    let before: Option<CityChat> = table.get(&chat.key()).await?;
    let mut writes = vec![Write::put("door", &CityDoor::of(chat))];
    match before.map(|before| before.city_key) {
        None => writes.push(Write::insert("city_chat", chat)),
        Some(city_key) => {
            let as_seen = Write::put("city_chat", chat).when("#city_key = :seen");
            writes.push(as_seen.bind(":seen", &city_key));
            if city_key != chat.city_key {
                let door: Option<CityDoor> = table.get(&city_door(&city_key)).await?;
                let own = door.filter(|door| door.chat_id == chat.chat_id);
                writes.extend(own.map(|door| leading_to(&door).remove("invite_link")));
            }
        }
    }
    match table.transact(writes).await {
        Ok(()) => Ok(Round::Done(())),
        Err(error) => error.refusal().map(|_| Round::Stale).map_err(Problem::from),
    }
}

/// A change of what a city is shown, as long as it is shown this chat.
fn leading_to(door: &CityDoor) -> Write {
    let change = Write::update("old_door", door.key()).when("#chat_id = :seen");
    change.bind(":seen", door.chat_id)
}

/// A group has become a supergroup, with another id: where it is a city's chat, so is the other,
/// unless it was set already. Those who run the club are told, as a link into the group may lead
/// nowhere. One read, and for the chat of a city one more and a transaction of four items.
///
/// # Errors
/// When the store does not answer.
pub async fn city_chat_moved(
    table: &Table,
    from: i64,
    to: i64,
    once: TelegramUpdate,
    now: Instant,
) -> Result<()> {
    optimistic(|| async {
        let Some(old) = table.get::<CityChat>(&CityChat::key_of(from)).await? else {
            return Ok(Round::Done(()));
        };
        let chat = CityChat { chat_id: to, at: now, ..old };
        let rows = table.batch(&[chat.key(), city_door(&chat.city_key)]).await?;
        let text = texts::city_chat_moved(&chat.city, from, to);
        let gone = Write::delete("old_chat", CityChat::key_of(from)).when("attribute_exists(#pk)");
        let id = format!("city_chat:{}", once.update_id);
        let mut writes = vec![gone, outbox::ask(&id, &Message::AdminAlert { text }, now)?];
        if rows.get::<CityChat>(&chat.key())?.is_none() {
            writes.push(Write::insert("city_chat", &chat));
        }
        let door: Option<CityDoor> = rows.get(&city_door(&chat.city_key))?;
        let own = door.filter(|door| door.chat_id == from);
        writes.extend(own.map(|door| leading_to(&door).set("chat_id", to)));
        match table.transact(writes).await {
            Ok(()) => Ok(Round::Done(())),
            Err(error) => error.refusal().map(|_| Round::Stale).map_err(Problem::from),
        }
    })
    .await
}

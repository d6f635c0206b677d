//! The chats of cities: which chat is whose.

use axum::extract::State;
use axum::routing::put;
use serde::{Deserialize, Serialize};
use shared::clock::{Instant, Now};
use shared::function::{Access, Function};
use shared::http::{Answer, Json, Params};
use shared::problem::{Problem, Result};
use shared::table::{Entity, Key, Table, Write};
use utoipa::ToSchema;

use crate::App;
use crate::auth::{city_key, is_city_name};
use crate::wire::{self, success};

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

/// One write, the whole of it replaced.
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
    app.platform.table.write(Write::put("city_chat", &chat)).await?;
    success(CityChatSet {})
}

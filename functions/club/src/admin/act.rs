//! What an administrator did to a member, for whoever asks later.

use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::table::{Entity, Key};

use crate::auth::member_key;

/// One thing that an administrator did to a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Act {
    /// A ULID; what it caused is named of it.
    pub(super) id: String,
    /// Whom, by Telegram id.
    pub(super) tg_id: i64,
    /// `grant` or `revoke`.
    pub(super) act: String,
    /// Days that were given.
    pub(super) days: Option<u32>,
    /// Was the member put out of the chats?
    #[serde(default)]
    pub(super) kick: bool,
    /// In the administrator's words.
    pub(super) reason: Option<String>,
    /// When.
    pub(super) at: Instant,
}

impl Entity for Act {
    const KIND: &'static str = "AdminAct";

    fn key(&self) -> Key {
        Key::new(member_key(self.tg_id).pk, format!("ADMIN#{}", self.id))
    }
}

//! Changes of a person's place in a chat, as told by updates.

use serde::Deserialize;

use super::updates::{Chat, User};

/// A member of a chat changed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct ChatMemberUpdated {
    /// The chat.
    pub chat: Chat,
    /// Who made the change.
    pub from: User,
    /// Epoch seconds.
    #[serde(rename = "date")]
    pub date_s: i64,
    /// The member before.
    pub old_chat_member: ChatMember,
    /// The member after.
    pub new_chat_member: ChatMember,
}

impl ChatMemberUpdated {
    /// Whether the member has come in by this change.
    #[must_use]
    pub fn joined(&self) -> bool {
        !self.old_chat_member.is_in_chat() && self.new_chat_member.is_in_chat()
    }

    /// Whether the member has gone by this change.
    #[must_use]
    pub fn left(&self) -> bool {
        self.old_chat_member.is_in_chat() && !self.new_chat_member.is_in_chat()
    }
}

/// Somebody's place in a chat.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct ChatMember {
    /// Who.
    pub user: User,
    /// As what.
    pub status: MemberStatus,
    /// For the restricted: whether they are in the chat at all.
    #[serde(default)]
    pub is_member: bool,
    /// For administrators: whether they may put people out.
    #[serde(default)]
    pub can_restrict_members: bool,
    /// For administrators: whether they may let people in by links.
    #[serde(default)]
    pub can_invite_users: bool,
}

impl ChatMember {
    /// Whether the person is in the chat.
    #[must_use]
    pub const fn is_in_chat(&self) -> bool {
        match self.status {
            MemberStatus::Creator | MemberStatus::Administrator | MemberStatus::Member => true,
            MemberStatus::Restricted => self.is_member,
            MemberStatus::Left | MemberStatus::Kicked | MemberStatus::Other => false,
        }
    }
}

/// Places in a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MemberStatus {
    /// The owner.
    Creator,
    /// An administrator.
    Administrator,
    /// An ordinary member.
    Member,
    /// Under restrictions, in the chat or not.
    Restricted,
    /// Not in the chat.
    Left,
    /// Banned.
    Kicked,
    /// A status to come.
    #[serde(other)]
    Other,
}

//! Sign-in, and the member behind every credential.
//!
//! The first verified contact creates the member, exactly once, whatever the credential and
//! however many requests come at once: member, and the entry that makes the opaque id unique,
//! are one transaction under `attribute_not_exists`. Signing in refreshes what Telegram says of
//! the person but never the names, which the member edits.

mod api;
mod claimed;
mod model;
mod profile;
mod public;
mod store;
#[cfg(test)]
mod tests;

pub use api::{functions, log_out, refresh, sign_in};
pub use claimed::Claimed;
pub use model::{
    Completed, LastTeam, Member, MemberId, REGISTRY_SHARDS, TeamRole, can_be_kept, city_key,
    is_city_name,
};
pub(crate) use profile::User;
pub use profile::{me, update};
pub use public::user;
pub use store::{
    change, city_at, ensure, ensure_with, find, meet, member_key, name_city, named, named_city,
    paid,
};

// A level is part of what a member is shown as.
pub use crate::gamification::level;

//! Notices against a Bot API on a free port.

pub(crate) mod bot;
mod crashes;
mod delivery;
mod digests;
mod offers;
mod pacing;
pub(crate) mod town;

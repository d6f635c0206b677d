//! The caller's own id where clients say it beside the credential.

use serde::Deserialize;
use shared::problem::{Problem, Result};

use super::model::Member;

/// A query that may say the caller's own id.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claimed {
    user_id: Option<String>,
}

impl Claimed {
    /// Refuses an id that is neither the caller's opaque nor Telegram id.
    ///
    /// # Errors
    /// 403 `subject_mismatch`.
    pub fn check(&self, caller: &Member) -> Result<()> {
        match self.user_id.as_deref() {
            None | Some("") => Ok(()),
            Some(id) if id == caller.id || id == caller.tg_id.to_string() => Ok(()),
            Some(_) => Err(Problem::forbidden("subject_mismatch")),
        }
    }
}

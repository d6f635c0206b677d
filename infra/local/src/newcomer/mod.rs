//! What a new club begins with under `cargo local`, so that whoever looks around for the first time
//! finds something in each catalogue. It is written as administrators write it, through their own
//! route, and only into a stack that has no state yet: whatever is changed later stays changed.

use http::HeaderName;
use serde_json::Value;
use shared::outbound::Outbound;

use crate::options::{Options, Storage};
use crate::stack::Running;

/// Kind, id and fields, in an order in which each finds what it belongs to.
const CONTENT: &str = include_str!("content.json");
const SERVICE: &str = "club";
const SECRET_HEADER: HeaderName = HeaderName::from_static("x-admin-secret");

/// Why a new club is empty.
#[derive(Debug, thiserror::Error)]
pub enum FurnishError {
    /// The content does not read.
    #[error("the content does not read: {0}")]
    Content(#[from] serde_json::Error),
    /// The club did not take some of it.
    #[error("{0} was not taken: {1}")]
    Refused(String, String),
}

/// Will these options start a stack without any state?
#[must_use]
pub fn is_new(options: &Options) -> bool {
    match &options.storage {
        Storage::Memory => true,
        Storage::Folder(folder) => !folder.exists(),
    }
}

/// Writes what a new club begins with, if the club is among the services. Answers how much.
///
/// # Errors
/// [`FurnishError`].
pub async fn furnish(stack: &Running) -> Result<usize, FurnishError> {
    if !stack.wiring().services().iter().any(|service| service == SERVICE) {
        return Ok(0);
    }
    let content = entries()?;
    let secret = stack.secrets().get(SERVICE, "ADMIN_SECRET");
    let outbound = Outbound::new();
    for (kind, id, fields) in &content {
        let url = format!("{}/api/admin/content/{kind}/{id}", stack.api(SERVICE));
        let call = outbound.put(&url).header(SECRET_HEADER, &secret).json(fields);
        let answer = call.send().await.and_then(shared::outbound::Answer::success);
        answer.map_err(|error| FurnishError::Refused(format!("{kind} {id}"), error.to_string()))?;
    }
    Ok(content.len())
}

fn entries() -> Result<Vec<(String, String, Value)>, serde_json::Error> {
    serde_json::from_str(CONTENT)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn there_is_something_of_every_kind() {
        let kinds: BTreeSet<String> = entries().unwrap().into_iter().map(|entry| entry.0).collect();
        let expected = [
            "content-item",
            "course",
            "course-day",
            "meditation",
            "practice",
            "section",
            "shop-item",
            "stream",
            "timecode",
            "video",
        ];
        assert_eq!(kinds, expected.map(str::to_owned).into());
    }

    #[test]
    fn only_what_has_no_state_is_new() {
        assert!(is_new(&Options::memory()));
        let folder = std::env::temp_dir();
        assert!(!is_new(&Options {
            storage: Storage::Folder(folder.clone()),
            ..Options::memory()
        }));
        let absent = folder.join("a-folder-that-nobody-has-made");
        assert!(is_new(&Options { storage: Storage::Folder(absent), ..Options::memory() }));
    }
}

//! Messages of the queues. Each is a hint: what is done follows from what is stored.

use serde::{Deserialize, Serialize};

/// The version of a message. One of another version fails alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct V1;

impl TryFrom<u8> for V1 {
    type Error = &'static str;

    fn try_from(version: u8) -> Result<Self, Self::Error> {
        if version == 1 { Ok(Self) } else { Err("another version") }
    }
}

impl From<V1> for u8 {
    fn from(V1: V1) -> Self {
        1
    }
}

/// Queue `deadlines`: look whether the client has responded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadlineHint {
    /// The order.
    pub order_id: String,
    /// Version.
    pub v: V1,
}

/// Queue `fanout`: tell one page of subscribers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FanoutHint {
    /// The order.
    pub order_id: String,
    /// The last subscriber of the page before; absent for the first page.
    pub cursor: Option<String>,
    /// The step that it brings; of a step that is over it is worth nothing.
    #[serde(default)]
    pub step: u32,
    /// Version.
    pub v: V1,
}

/// Queue `digests`: look whether a digest is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestHint {
    /// Whose.
    pub user_id: i64,
    /// Version.
    pub v: V1,
}

/// Queue `notices`: send a notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeHint {
    /// Which.
    pub notice_id: String,
    /// How often the sweep had asked for it by then: of several hints the latest counts.
    #[serde(default)]
    pub n: u32,
    /// Version.
    pub v: V1,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_hint_of_another_version_does_not_read() {
        let hint = DeadlineHint { order_id: "x".to_owned(), v: V1 };
        assert_eq!(serde_json::to_value(&hint).unwrap(), json!({ "order_id": "x", "v": 1 }));
        let read = |v: u8| serde_json::from_value::<DeadlineHint>(json!({"order_id": "x", "v": v}));
        assert_eq!(read(1).unwrap(), hint);
        assert!(read(2).is_err());
        let first = json!({ "order_id": "x", "v": 1 });
        assert_eq!(serde_json::from_value::<FanoutHint>(first).unwrap().cursor, None);
    }
}

//! What forms told, in the table.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::clock::{Instant, days};
use shared::ids;
use shared::problem::{Problem, Result};
use shared::table::{Entity, Key, Table, Write};

/// How long what was told is kept, in days.
const KEPT: u32 = 400;
/// How long the same is taken for a repetition, after it was told or repeated.
const REPEATED: SignedDuration = SignedDuration::from_secs(45);

/// Something that a form told; grants nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FormEvent {
    /// A ULID.
    id: String,
    /// Who sent it.
    tg_id: i64,
    /// `form_open`, `gift_attempt`, `payment_success` or `payment_attempt`.
    event: String,
    /// What was told.
    details: Map<String, Value>,
    /// When.
    at: Instant,
}

impl Entity for FormEvent {
    const KIND: &'static str = "FormEvent";

    fn key(&self) -> Key {
        Key::new(partition(self.tg_id), format!("EVENT#{}", self.id))
    }

    fn expires_at(&self) -> Option<Instant> {
        Some(self.at + days(KEPT))
    }
}

/// What a member's forms told last of this event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Last {
    tg_id: i64,
    event: String,
    /// As JSON, its fields in order.
    told: String,
    /// When it was told or repeated.
    seen_at: Instant,
}

impl Last {
    fn key_of(tg_id: i64, event: &str) -> Key {
        Key::new(partition(tg_id), format!("LAST#{event}"))
    }
}

impl Entity for Last {
    const KIND: &'static str = "FormLast";

    fn key(&self) -> Key {
        Self::key_of(self.tg_id, &self.event)
    }

    fn expires_at(&self) -> Option<Instant> {
        Some(self.seen_at + days(1))
    }
}

fn partition(tg_id: i64) -> String {
    format!("FORM#{tg_id}")
}

/// Writes down what a form told, unless it only repeats itself. One transaction of two items; a
/// repetition one write more.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn tell(
    table: &Table,
    tg_id: i64,
    event: &str,
    details: Map<String, Value>,
    now: Instant,
) -> Result<()> {
    let told = serde_json::to_string(&details).map_err(Problem::bug)?;
    let last = Last { tg_id, event: event.to_owned(), told, seen_at: now };
    let fresh = Write::put("last", &last)
        .when("attribute_not_exists(#pk) OR #seen_at <= :cut OR #told <> :told")
        .bind(":cut", now - REPEATED)
        .bind(":told", &last.told);
    let id = ids::ulid(now);
    let event = FormEvent { id, tg_id, event: event.to_owned(), details, at: now };
    match table.transact(vec![fresh, Write::insert("event", &event)]).await {
        Ok(()) => Ok(()),
        Err(error) => {
            error.refusal()?;
            let again = Write::update("last", last.key()).set("seen_at", now);
            table.write(again.when("attribute_exists(#pk)")).await?;
            Ok(())
        }
    }
}

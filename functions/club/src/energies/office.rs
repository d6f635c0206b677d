//! Energies that administrators give and take.

use axum::extract::State;
use axum::routing::post;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::clock::{Instant, Now};
use shared::function::{Access, Declared, Function};
use shared::http::{Answer, Json};
use shared::idempotency::Idempotency;
use shared::ids;
use shared::problem::{Problem, Result};
use shared::table::{Key, Rows, Write};
use utoipa::ToSchema;

use super::award::{Award, Expense, MONTH_AWARD};
use super::model::{EnergyEntry, entry_key};
use super::store::{expense, income};
use crate::admin::commit;
use crate::auth::{self, Member, can_be_kept, member_key};
use crate::calendar::moscow_day;
use crate::wire::{self};
use crate::{App, texts};

/// The most that is given or taken at once.
const AMOUNT_MAX: u32 = 100_000;
/// Characters of a reason.
const REASON_MAX: usize = 200;
/// Bytes of metadata, as JSON.
const METADATA_MAX: usize = 2 * 1024;

/// `POST /api/v1/energies/award`.
#[must_use]
pub fn award() -> Function<App> {
    by_hand("club-energies-award", "/api/v1/energies/award")
        .summary("Gives a member energies")
        .handled_by(post(handle_award))
}

/// `POST /api/v1/energies/spend`.
#[must_use]
pub fn spend() -> Function<App> {
    by_hand("club-energies-spend", "/api/v1/energies/spend")
        .summary("Takes energies from a member")
        .handled_by(post(handle_spend))
}

fn by_hand(name: &'static str, path: &'static str) -> Declared<App> {
    Function::<App>::post(name, path)
        .access(Access::Admin)
        .limited(wire::ADMIN)
        .takes::<EnergiesByHand>()
        .answers::<EnergiesMoved>()
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EnergiesByHand {
    /// Either id of the member.
    #[schema(value_type = String)]
    user_id: Value,
    /// 1 to 100000.
    amount: u32,
    /// 1 to 200 characters. `Закрытие месяца` is the award of a completed month: 500, once for the
    /// month that `metadata.month` names, or else the current one.
    reason: String,
    /// 2 KiB at most.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EnergiesMoved {
    /// What was given or taken; 0 where it had been before.
    amount: u32,
    reason: String,
    new_balance: i64,
}

/// What is wished, read.
struct Wish {
    tg_id: i64,
    amount: u32,
    reason: String,
    metadata: Map<String, Value>,
}

/// Whom a field `userId` names. One read where it is the opaque id.
///
/// # Errors
/// 400 when it is no text and no number, 404 when there is no such member.
pub(super) async fn read_user(app: &App, user_id: &Value) -> Result<i64> {
    let text = match user_id {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return Err(Problem::invalid("userId", "an id")),
    };
    auth::named(&app.platform.table, &text).await?.ok_or_else(unknown_member)
}

fn unknown_member() -> Problem {
    Problem::not_found("User not found")
}

impl EnergiesByHand {
    async fn read(self, app: &App) -> Result<Wish> {
        if !(1..=AMOUNT_MAX).contains(&self.amount) {
            return Err(Problem::invalid("amount", "1 to 100000"));
        }
        let reason = self.reason.trim().to_owned();
        if !(1..=REASON_MAX).contains(&reason.chars().count()) {
            return Err(Problem::invalid("reason", "1 to 200 characters"));
        }
        let metadata = self.metadata.unwrap_or_default();
        let bytes = serde_json::to_string(&metadata).map_err(Problem::bug)?.len();
        if bytes > METADATA_MAX || !can_be_kept(&metadata) {
            return Err(Problem::invalid("metadata", "2 KiB at most, no deeper than 20 levels"));
        }
        let tg_id = read_user(app, &self.user_id).await?;
        Ok(Wish { tg_id, amount: self.amount, reason, metadata })
    }
}

impl Wish {
    /// The award that is wished, under an id of its own unless it is that of a month.
    fn award(&self, id: &str, now: Instant) -> Result<Award> {
        if self.reason != texts::REASON_MONTH {
            let (reason, metadata) = (self.reason.clone(), self.metadata.clone());
            return Ok(Award::by_hand(id, self.amount, reason, metadata));
        }
        if self.amount != MONTH_AWARD {
            return Err(Problem::invalid("amount", "500 for a completed month"));
        }
        let this_month = || moscow_day(now).chars().take(7).collect::<String>();
        let month = match self.metadata.get("month") {
            None => this_month(),
            Some(Value::String(month)) if is_month(month) => month.clone(),
            Some(_) => return Err(Problem::invalid("metadata.month", "YYYY-MM")),
        };
        Ok(Award::month_completion(&month))
    }

    fn moved(&self, amount: u32, new_balance: i64) -> EnergiesMoved {
        EnergiesMoved { amount, reason: self.reason.clone(), new_balance }
    }

    fn member(&self, rows: &Rows) -> Result<Member> {
        rows.get(&member_key(self.tg_id))?.ok_or_else(unknown_member)
    }
}

/// Is it a month, such as `2026-01`?
fn is_month(text: &str) -> bool {
    text.len() == 7 && format!("{text}-01").parse::<jiff::civil::Date>().is_ok()
}

/// One read, one more for an opaque id, and one transaction of three items.
async fn handle_award(
    State(app): State<App>,
    Now(now): Now,
    key: Idempotency,
    Json(wanted): Json<EnergiesByHand>,
) -> Answer {
    let wish = wanted.read(&app).await?;
    let award = wish.award(&ids::ulid(now), now)?;
    let keys = keys(&wish, &award.key);
    commit(&app, &key, &keys, now, |rows| {
        let member = wish.member(rows)?;
        if rows.get::<EnergyEntry>(&entry_key(wish.tg_id, &award.key))?.is_some() {
            return Ok((wish.moved(0, member.balance), Vec::new()));
        }
        let income = income(&member, &award, now);
        let balance = member.balance.saturating_add(i64::from(income.energies));
        let change = income.on(auth::change(&member, now));
        Ok((wish.moved(income.energies, balance), vec![income.entry, change]))
    })
    .await
}

/// One read, one more for an opaque id, and one transaction of three items.
async fn handle_spend(
    State(app): State<App>,
    Now(now): Now,
    key: Idempotency,
    Json(wanted): Json<EnergiesByHand>,
) -> Answer {
    let wish = wanted.read(&app).await?;
    let (reason, metadata) = (wish.reason.clone(), wish.metadata.clone());
    let wished = Expense::by_hand(&ids::ulid(now), wish.amount, reason, metadata);
    let keys = keys(&wish, &wished.key);
    commit(&app, &key, &keys, now, |rows| {
        let member = wish.member(rows)?;
        // A lost answer of this very call: the entry is its own.
        if rows.get::<EnergyEntry>(&entry_key(wish.tg_id, &wished.key))?.is_some() {
            return Ok((wish.moved(wish.amount, member.balance), Vec::new()));
        }
        let outgo = expense(&member, &wished, now)?;
        let balance = member.balance.saturating_sub(i64::from(outgo.energies));
        let change: Write = outgo.on(auth::change(&member, now));
        Ok((wish.moved(outgo.energies, balance), vec![outgo.entry, change]))
    })
    .await
}

fn keys(wish: &Wish, entry: &str) -> [Key; 2] {
    [member_key(wish.tg_id), entry_key(wish.tg_id, entry)]
}

#[cfg(test)]
mod tests {
    use super::is_month;

    #[test]
    fn months() {
        assert!(is_month("2026-01") && is_month("2026-12"));
        for bad in ["2026-13", "2026-00", "2026-1", "26-0001", "2026-1я", ""] {
            assert!(!is_month(bad), "{bad}");
        }
    }
}

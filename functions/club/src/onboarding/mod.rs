//! The first weeks: a video, a keyword, a button, and a few words later on.
//!
//! ```text
//!  first payment,                keyword                    button, or
//!  gift ────────▶ awaiting_keyword ─────▶ awaiting_ready ───────────────▶ onboarding_complete
//!                 video                   "ready" button    210 min       menu
//!                 reminders:              reminders:                      next day 10:00: gift offer
//!                 20, 80, 200 min         30, 90 min                      days 7, 14, 21, 28 at 09:00
//! ```
//!
//! A member has one row, and what begins the onboarding anew gives it another *cycle*. The row says
//! what comes next and when; a message of the queue is a hint at it and worth nothing by itself:
//! one of another cycle, of a state that is over, or of a step that was taken is dropped. Each step
//! is one transaction of the row and what is to be said, under a key of member, step and cycle.
//!
//! Every change of a row comes back by the change stream, which sends the hint at its next step;
//! one that lies further ahead than SQS waits is sent anew until it is due. What lies days ahead is
//! hinted at by the sweep shortly before, as is whatever was lost, shortly after.

mod jobs;
mod model;
mod speech;
mod store;
#[cfg(test)]
mod tests;

use jiff::SignedDuration;
use shared::clock::Instant;
use shared::function::Function;
use shared::problem::Result;
use shared::settings::{Environment, SettingError};
use shared::table::{Entity as _, Write};

pub use jobs::{Reminder, remind, remind_of, sweep};
pub use model::Line;
pub use speech::tell;
pub use store::{heard, pressed};

use crate::App;
use model::{Onboarding, Plan};

/// The kind of the rows whose changes [`remind_of`] takes.
pub const ROW: &str = Onboarding::KIND;
/// What the "ready" button carries.
pub const READY: &str = "ready";
/// Minutes after which a member is reminded of the keyword.
const KEYWORD_REMINDERS_MIN: &str = "20,80,200";
/// Minutes after which a member is reminded of the button.
const READY_REMINDERS_MIN: &str = "30,90";
/// Minutes after which the button is not waited for any more.
const READY_AUTO_MIN: i64 = 210;

/// Settings of this capability.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What a member answers the video with.
    pub keyword: String,
    /// The video: an https address, or Telegram's id of the file. A text takes its place.
    pub video: Option<String>,
    /// When what comes.
    plan: Plan,
}

impl Settings {
    /// Reads `ONBOARDING_KEYWORD`, `ONBOARDING_VIDEO`, `KEYWORD_REMINDERS_MIN`,
    /// `READY_REMINDERS_MIN` and `READY_AUTO_MIN`.
    ///
    /// # Errors
    /// When one is malformed.
    pub fn from_environment(environment: &Environment) -> Result<Self, SettingError> {
        let minutes = |name: &str, default: &str| {
            let listed = environment.get(name).unwrap_or(default).split(',');
            let read = listed.map(|part| part.trim().parse::<u32>());
            let read: Result<Vec<u32>, _> = read.collect();
            let read = read.ok().filter(|minutes| minutes.is_sorted());
            read.ok_or_else(|| SettingError::Malformed(name.to_owned()))
        };
        let auto: i64 = environment.parse("READY_AUTO_MIN", READY_AUTO_MIN)?;
        let set = |name| environment.get(name).map(str::trim).filter(|text| !text.is_empty());
        Ok(Self {
            keyword: set("ONBOARDING_KEYWORD").unwrap_or("УСПЕХ").to_owned(),
            video: set("ONBOARDING_VIDEO").map(str::to_owned),
            plan: Plan {
                keyword: after(&minutes("KEYWORD_REMINDERS_MIN", KEYWORD_REMINDERS_MIN)?),
                ready: after(&minutes("READY_REMINDERS_MIN", READY_REMINDERS_MIN)?),
                auto: SignedDuration::from_mins(auto),
            },
        })
    }
}

fn after(minutes: &[u32]) -> Vec<SignedDuration> {
    minutes.iter().map(|minutes| SignedDuration::from_mins(i64::from(*minutes))).collect()
}

/// The write that begins the onboarding of a member anew, for the transaction that follows its
/// cause: a first payment or a gift, by id. Refused under `onboarding` where this cause has begun
/// it before.
#[must_use]
pub fn begun(tg_id: i64, cause: &str, now: Instant) -> Write {
    let row = Onboarding::begun(tg_id, cause, now);
    Write::put("onboarding", &row)
        .when("attribute_not_exists(#pk) OR #cycle <> :cycle")
        .bind(":cycle", cause)
}

/// Has the onboarding of a member begun by this cause? One read.
///
/// # Errors
/// When the store does not answer.
pub async fn has_begun(app: &App, tg_id: i64, cause: &str) -> Result<bool> {
    let row = store::find(app, tg_id).await?;
    Ok(row.is_some_and(|row| row.cycle == cause))
}

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    vec![remind(), sweep()]
}

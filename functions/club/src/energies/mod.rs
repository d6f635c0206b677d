//! Energies: the points that members earn, and the ledger behind every balance.
//!
//! A member's account stands in the member's own item: `balance`, and the two counters that only
//! grow, `earned_total` and `consumed_total`. Every movement is an immutable entry in the same
//! partition, written in the transaction that moves the account; its key is the idempotency key
//! of the effect, so that one effect is one entry whatever comes twice. At any instant
//!
//! ```text
//! balance = earned_total − consumed_total = Σ delta = Σ remaining(open lots) ≥ 0
//! ```
//!
//! A *lot* is an income entry. Lots are consumed oldest first without being touched: an entry
//! remembers how much had been earned before it, and what is left of it follows from
//! `consumed_total`. Spending therefore costs two items, however many lots there are.
//!
//! Who earns or spends inside a transaction of its own (a payment, a purchase) takes [`income`] or
//! [`expense`]; [`award`] and [`spend`] are whole use cases. What has a limit takes a numbered
//! place with the award (`slots`); what people write in the chats of teams and cities earns by
//! hashtags ([`heard`]). After six months a job takes what is left of an income. The audit reads
//! members and entries side by side and reports whatever does not add up.

mod api;
mod award;
mod city_chats;
mod expiring;
mod hashtags;
mod jobs;
mod lots;
mod model;
mod office;
mod posts;
mod progress;
mod slots;
mod store;
#[cfg(test)]
mod tests;
mod triggers;

use shared::function::Function;

pub use api::{EnergyTransaction, balance, history, recent};
pub use award::{Award, Expense, GIFT_AWARD, Kind, PAYMENT_AWARD};
pub use city_chats::{city_chat_moved, city_door, city_link, is_city_chat, set_city_chat};
pub use expiring::expire;
pub use hashtags::{edited, heard};
pub use jobs::audit;
pub use model::{EnergyEntry, expiry};
pub use office::{award as award_by_hand, spend as spend_by_hand};
pub use progress::weekly_progress;
pub use store::{Income, Moved, Outgo, award, expense, has_reported, income, newest, spend};
pub use triggers::{daily_login, lesson_view, sunday_practice};

use crate::App;

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    vec![
        balance(),
        history(),
        weekly_progress(),
        award_by_hand(),
        spend_by_hand(),
        daily_login(),
        lesson_view(),
        sunday_practice(),
        set_city_chat(),
        expire(),
        audit(),
    ]
}

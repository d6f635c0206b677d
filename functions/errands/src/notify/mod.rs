//! Who is told what, when, and how fast.
//!
//! ```text
//!  event ──▶ notices to participants ─────────────────────────────────────┐
//!                                                                         ▼
//!  new order ──▶ fan-out, page by page ──┬─ free: a notice ─────────▶ queue `notices`
//!                (index of subscribers)  │                                ▲   │ send, paced
//!                                        └─ cooling: waits ──▶ digest ────┘   ▼
//!                                                        (when cooled down)  Bot API
//! ```
//!
//! - [`subscriptions`] derives the index of subscribers from the users' settings;
//! - [`fanout`] asks each by those settings and by [`model`], which says how often one user hears
//!   of new orders;
//! - [`digest`] tells of what has waited;
//! - [`notice`] is one message and what becomes of it; [`send`] sends it, at the [`pace`] that
//!   Telegram allows to all senders together.
//!
//! A message of a queue is a hint. Two hints of one thing are harmless, and what a lost one left
//! behind is found by a sweep: notices and fan-outs by `errands-outbox-sweep`, digests by
//! `errands-digest-sweep`.

mod digest;
mod fanout;
mod model;
#[cfg(test)]
mod model_tests;
mod notice;
mod pace;
mod send;
mod store;
mod subscriptions;
#[cfg(test)]
pub(crate) mod tests;

use futures::future::{join_all, try_join_all};
use jiff::SignedDuration;
use shared::clock::Instant;
use shared::function::Function;
use shared::problem::{Problem, Result, chain};
use shared::queue::Queue;

pub use digest::{digest, digest_sweep};
pub use fanout::fanout;
pub(crate) use fanout::{carry_on, offer};
pub use notice::{Message, Notice, State, Told};
pub use send::send;
pub use subscriptions::index;

use crate::App;
use crate::events::{NoticeHint, V1};
use crate::users::User;

/// How often a change of a user's state is tried that others outrun.
const TRIES: u32 = 8;
/// How long a notice may stay unsent before the sweep asks for it again.
const OVERDUE: SignedDuration = SignedDuration::from_secs(60);
/// Notices of one shard that a sweep asks for: all shards together, what may be sent until the
/// next sweep.
const OVERDUE_MAX: u32 = 450;

/// Notices that a sweep asks for at a time.
const TOGETHER: usize = 25;

/// Asks for notices, each once, and has those sent that are not over yet.
///
/// # Errors
/// When the store or the queue does not answer; asking again is harmless.
pub(crate) async fn ask(app: &App, notices: Vec<Notice>) -> Result<()> {
    let table = &app.platform.table;
    let asked = try_join_all(notices.iter().map(|notice| store::ask(table, notice))).await?;
    let unsent = notices.into_iter().zip(asked).filter(|(_, unsent)| *unsent);
    hint(app, unsent.map(|(notice, _)| notice.id).collect()).await
}

/// Asks again for notices that should have been sent a minute ago, until `time_is_up`, and answers
/// for how many. The hints that are still on their way, if any are, bring their notices no more
/// unless it is their turn: else those of a long queue would multiply with every sweep.
///
/// # Errors
/// When the store or the queue does not answer.
pub(crate) async fn remind_overdue(
    app: &App,
    now: Instant,
    time_is_up: impl Fn() -> bool,
) -> Result<usize> {
    let mut found = 0;
    for shard in 0..notice::SHARDS {
        let table = &app.platform.table;
        let ids = store::overdue(table, shard, now - OVERDUE, OVERDUE_MAX).await?;
        for some in ids.chunks(TOGETHER) {
            if time_is_up() {
                return Ok(found);
            }
            found += some.len();
            let numbered = some.iter().map(|id| store::asked_again(table, id));
            let numbered = join_all(numbered).await.into_iter().zip(some);
            let hints = numbered.filter_map(|(n, id)| match n {
                Ok(n) => Some(NoticeHint { notice_id: id.clone(), n: n?, v: V1 }),
                // One that fails does not keep the others.
                Err(problem) => {
                    tracing::error!(notice_id = %id, error = %chain(&problem), "not asked for again");
                    None
                }
            });
            send_hints(app, hints.collect()).await?;
        }
    }
    Ok(found)
}

/// Has these notices sent.
async fn hint(app: &App, ids: Vec<String>) -> Result<()> {
    let hint = |notice_id| NoticeHint { notice_id, n: 0, v: V1 };
    send_hints(app, ids.into_iter().map(hint).collect()).await
}

async fn send_hints(app: &App, hints: Vec<NoticeHint>) -> Result<()> {
    if hints.is_empty() {
        return Ok(());
    }
    Ok(notices(app)?.send_all(&hints).await?)
}

fn notices(app: &App) -> Result<&Queue> {
    app.queues.notices.as_ref().ok_or_else(|| Problem::bug("NOTICES_QUEUE_URL is not set"))
}

fn digests(app: &App) -> Result<&Queue> {
    app.queues.digests.as_ref().ok_or_else(|| Problem::bug("DIGESTS_QUEUE_URL is not set"))
}

/// The user's cool-down in minutes.
fn frequency(app: &App, user: &User) -> i64 {
    let (_, _, default) = app.settings.notify_frequency;
    user.frequency.unwrap_or(default)
}

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    vec![index(), fanout(), digest(), digest_sweep(), send()]
}

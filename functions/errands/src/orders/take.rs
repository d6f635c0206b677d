//! The purchase of a contact.

use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use shared::clock::Instant;
use shared::http::Answer;
use shared::idempotency::Idempotency;
use shared::problem::{Problem, Result};
use shared::retry::{Round, contended};
use shared::table::{Entity as _, Write};
use utoipa::ToSchema;

use super::charges;
use super::items::{Order, Status, Take, TakenOrder};
use super::model::{self, Rules, Taking};
use super::round::{self, Opened, Reply};
use super::store::{self, Side, TRIES};
use crate::App;
use crate::events::{self, Event};
use crate::money::Kopecks;
use crate::users::User;

/// What the executor gets for the money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Bought {
    success: bool,
    /// How to reach the client.
    contact: String,
    /// How many have it now.
    executor_count: usize,
    /// Whole rubles.
    new_balance: i64,
}

impl Bought {
    fn reply(order: &Order, balance: Kopecks) -> Result<Reply> {
        let bought = Self {
            success: true,
            contact: order.contact.clone(),
            executor_count: order.taken_by.len(),
            new_balance: balance.rubles(),
        };
        Reply::json(StatusCode::OK, &bought)
    }
}

/// Sells the contact to `caller`, once: whoever has it already is told it again, whatever became
/// of the order. One read and one transaction of five items, six with a key.
///
/// # Errors
/// The refusals of [`model::can_take`]; 503 when nothing was written.
pub(super) async fn take(
    app: &App,
    caller: &User,
    id: &str,
    key: &Idempotency,
    now: Instant,
) -> Answer {
    let mut rounds = 0_u32;
    contended(TRIES, || {
        rounds += 1;
        // The record as it was read when the call began is good for the first round.
        let anew = (rounds > 1).then_some(caller.id);
        async move {
            let (order, user) = match round::open(app, id, key, anew, now).await? {
                Opened::Answered(response) => return Ok(Round::Done(response)),
                Opened::Settled => return Ok(Round::Stale),
                Opened::Found(order, user) => (order, user),
            };
            let executor = user.as_ref().unwrap_or(caller);
            let rules = Rules::of(&app.settings);
            let balance = executor.balance;
            match model::can_take(order.as_ref(), caller.id, balance, &rules, now) {
                Ok((order, Taking::Has)) => told_again(app, caller, order).await,
                Ok((order, Taking::Buys)) => buy(app, executor, order, &rules, key, now).await,
                Err(refused) => round::refuse(app, refused, key, now).await,
            }
        }
    })
    .await
}

/// Tells what was bought before, and the balance as it is now. One read.
async fn told_again(app: &App, caller: &User, order: &Order) -> Result<Round<Response>> {
    // What was read before the order may be from before the take.
    let user: Option<User> = app.platform.table.get(&caller.key()).await?;
    let user = user.ok_or_else(|| Problem::bug("a take without its executor"))?;
    Ok(Round::Done(Bought::reply(order, Kopecks(user.balance))?.response()))
}

async fn buy(
    app: &App,
    executor: &User,
    order: &Order,
    rules: &Rules,
    key: &Idempotency,
    now: Instant,
) -> Result<Round<Response>> {
    let charge = charges::charge(executor, order, rules.price, now)?;
    let take = Take {
        executor_id: executor.id,
        taken_at: now,
        price: rules.price,
        left: charge.after(),
        left_at: charge.entry().created_at,
    };
    let after = taken(order, take, rules);
    let reply = Bought::reply(&after, charge.after())?;
    let counted = store::counted(Side::Taken, executor.id, None, Status::Active);
    let is_first = order.taken_by.is_empty();
    let event = Event::OrderTaken {
        order: store::facts(&after),
        response_deadline: after.response_deadline.filter(|_| is_first),
    };
    let mut writes: Vec<Write> = reply.stored(key, now).into_iter().collect();
    writes.push(store::revised(order, &after)?);
    writes.push(Write::insert("taken", &TakenOrder::of(&after, &take)));
    writes.extend([charge.on(counted), charge.line()]);
    writes.push(events::emit(event, now)?);
    let committed = store::commit(&app.platform.table, writes).await?;
    round::conclude(app, committed, reply, key, now).await
}

/// The order with one take more. The first sets by when the client has to respond.
pub(super) fn taken(order: &Order, take: Take, rules: &Rules) -> Order {
    let mut changed = order.clone();
    changed.taken_by.push(take);
    changed.response_deadline =
        Some(order.response_deadline.unwrap_or(take.taken_at + rules.response_time));
    store::next(order, changed)
}

//! Who wants to hear of which orders: an index that is derived from the users' settings.
//!
//! The settings are the truth, and whoever is found here is asked again by them; so a row too many
//! is harmless. A row too few would keep somebody from hearing of an order, so that every change
//! of a user is followed here, by the change stream, from the record as it stands then.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use shared::function::{Function, Invocation};
use shared::problem::Result;
use shared::retry::{Round, contended};
use shared::stream::Change;
use shared::table::{Cursor, Entity, Item, Key, Query, Table, Write};

use super::store::{self, Kept};
use super::{TRIES, digests, frequency};
use crate::App;
use crate::events::{DigestHint, V1};
use crate::orders::{CityKey, Order};
use crate::users::{User, user_key};

/// Items of one transaction.
const TRANSACTION: usize = 100;

/// Changes of users, from the change stream.
#[must_use]
pub fn index() -> Function<App> {
    Function::<App>::stream("errands-subscriptions-index", &["User"], run_index)
        .summary("Keeps the index of subscribers and re-times their digests")
}

/// A user wants to hear of orders of a category in a city.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Subscription {
    city_key: String,
    category: String,
    user_id: i64,
}

impl Subscription {
    fn partition(city_key: &str, category: &str) -> String {
        format!("SUB#{city_key}#{category}")
    }
}

impl Entity for Subscription {
    const KIND: &'static str = "Subscription";

    fn key(&self) -> Key {
        let partition = Self::partition(&self.city_key, &self.category);
        Key::new(partition, format!("USER#{}", self.user_id))
    }
}

/// Does the user want to hear of new orders at all?
fn listens(user: &User) -> bool {
    user.notifications && !user.bot_blocked
}

/// The user's rows of the index, by the settings.
fn subscriptions(user: &User) -> BTreeSet<Subscription> {
    if !listens(user) {
        return BTreeSet::new();
    }
    let cities: BTreeSet<String> =
        user.cities.iter().map(|city| CityKey::of(city).into()).collect();
    let row = |city_key: &String, category: &String| Subscription {
        city_key: city_key.clone(),
        category: category.clone(),
        user_id: user.id,
    };
    cities
        .iter()
        .flat_map(|city| user.categories.iter().map(move |category| row(city, category)))
        .collect()
}

/// Does the user want to hear of this order? By the settings as they stand.
pub(super) fn wants(user: &User, order: &Order) -> bool {
    listens(user)
        && user.id != order.client_id
        && user.categories.contains(&order.category)
        && user.cities.iter().any(|city| CityKey::of(city).as_str() == order.city_key)
}

/// Those who may want to hear of an order, from one page of the index, and where the next page
/// begins. One query.
pub(super) async fn page(
    table: &Table,
    order: &Order,
    after: Option<&str>,
    limit: u32,
) -> Result<(Vec<i64>, Option<String>)> {
    let partition = Subscription::partition(&order.city_key, &order.category);
    let cursor = after.map(|sk| {
        let key = [("pk", partition.clone()), ("sk", sk.to_owned())];
        Cursor::restore(key.map(|(name, value)| (name.to_owned(), value)).into())
    });
    let page = table.query(&Query::partition(partition).limit(limit).after(cursor)).await?;
    let last = page.items.last().and_then(|item| item.text("sk"));
    let next = page.next.as_ref().and(last).map(str::to_owned);
    let user = |item: &Item| item.text("sk")?.strip_prefix("USER#")?.parse().ok();
    Ok((page.items.iter().filter_map(user).collect(), next))
}

async fn run_index(app: App, invocation: Invocation, change: Change) -> Result<()> {
    let old: Option<User> = change.old.map(|item| item.read()).transpose()?;
    let new: Option<User> = change.new.map(|item| item.read()).transpose()?;
    let Some(id) = new.as_ref().or(old.as_ref()).map(|user| user.id) else { return Ok(()) };
    let rows = |user: &Option<User>| user.as_ref().map(subscriptions).unwrap_or_default();
    let (before, after) = (rows(&old), rows(&new));
    let touched: Vec<_> = before.symmetric_difference(&after).cloned().collect();
    let wishes = |user: &Option<User>| user.as_ref().map(|user| (listens(user), user.frequency));
    let retimed = old.is_some() && wishes(&old) != wishes(&new);
    if touched.is_empty() && !retimed {
        return Ok(());
    }
    let table = &app.platform.table;
    let user = table.get::<User>(&user_key(id)).await?;
    follow(table, &touched, user.as_ref()).await?;
    match user.filter(|_| retimed) {
        Some(user) => retime(&app, &user, invocation).await,
        None => Ok(()),
    }
}

/// Makes the rows that a change touched agree with the record as it stands, which may have been
/// changed again: so a change that is told of twice, or late, does no harm.
async fn follow(table: &Table, touched: &[Subscription], user: Option<&User>) -> Result<()> {
    let wanted = user.map(subscriptions).unwrap_or_default();
    for rows in touched.chunks(TRANSACTION) {
        let write = |row: &Subscription| match wanted.contains(row) {
            true => Write::put("subscription", row),
            false => Write::delete("subscription", row.key()),
        };
        table.transact(rows.iter().map(write).collect()).await?;
    }
    Ok(())
}

/// A digest follows the frequency; whoever does not listen any more waits for none.
async fn retime(app: &App, user: &User, invocation: Invocation) -> Result<()> {
    let table = &app.platform.table;
    let due = contended(TRIES, || async {
        let mut state = store::state(table, user.id).await?;
        let changed = match listens(user) {
            true => state.retime(frequency(app, user)) && state.digest_at().is_some(),
            false => state.silence(),
        };
        if !changed {
            return Ok(Round::Done(None));
        }
        Ok(match store::keep(table, &state, None).await? {
            Kept::Yes => Round::Done(state.digest_at()),
            Kept::Outrun | Kept::Told => Round::Stale,
        })
    })
    .await?;
    let Some(due) = due else { return Ok(()) };
    let delay = due.since(invocation.now).max(SignedDuration::ZERO);
    Ok(digests(app)?.send(&DigestHint { user_id: user.id, v: V1 }, delay).await?)
}

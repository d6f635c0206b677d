//! What pages of feeds cost with 1,000, 100,000 and 1,000,000 active orders in the table.
//!
//! The orders are written through the store, as their transactions leave them: the order, its
//! client's row, the lock of its contact, the client's counters, the counters of its feeds.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant as Moment};

use benches::{ERRANDS_BOT, Result, launch_data, line, milliseconds, percentile};
use errands::events::{Feed, FeedCounter};
use errands::orders::{CityKey, ContactKey, ContactLock, Order, OwnedOrder, Status};
use errands::users::Profile;
use jiff::SignedDuration;
use serde_json::Value;
use shared::clock::Instant;
use shared::table::{Table, Write};

use crate::cost::{Cost, units};
use crate::seed::{CATEGORIES, CITIES, encoded, job, pick};
use crate::stack::{Call, Stack};
use crate::{settings, store};

const SIZES: [usize; 3] = [1_000, 100_000, 1_000_000];
/// The table of errands in the stage `test`.
const TABLE: &str = "test-errands";
/// Orders of one client, all of them active.
const EACH: usize = 50;
/// The Telegram id of the first client.
const FIRST: usize = 1_000_000;
/// Clients whose orders are written together.
const TOGETHER: usize = 4;
/// How often each page is fetched for its latency: less often than makes it hot.
const FETCHES: usize = 15;

/// Seeds and prints, size by size.
///
/// # Errors
/// When the store or the stack does not answer.
pub async fn run(stack: &Stack, engine: &str) -> Result<()> {
    let sizes = settings::sizes(&SIZES)?;
    let table = store::table(engine, TABLE)?;
    let born = Instant::now() - SignedDuration::from_mins(10);
    line("| active orders | page | requests | read units | p50 ms |");
    line("|---:|---|---:|---:|---:|");
    let (mut there, mut totals) = (0, BTreeMap::new());
    for size in sizes {
        let began = Moment::now();
        seed(&table, there / EACH..size / EACH, born, &mut totals).await?;
        line(&format!("| {size} | (seeded in {} s) | | | |", began.elapsed().as_secs()));
        there = size;
        pages(stack, size).await?;
    }
    Ok(())
}

/// Writes the orders of these clients, and adds them to the totals of their feeds.
async fn seed(
    table: &Arc<Table>,
    clients: Range<usize>,
    born: Instant,
    totals: &mut BTreeMap<Feed, i64>,
) -> Result<()> {
    let next = Arc::new(AtomicUsize::new(clients.start));
    let writers = (0..store::WRITERS).map(|_| {
        let (table, next, end) = (table.clone(), next.clone(), clients.end);
        tokio::spawn(async move {
            let mut moves = BTreeMap::new();
            loop {
                let first = next.fetch_add(TOGETHER, Ordering::Relaxed);
                if first >= end {
                    return Result::Ok(moves);
                }
                let mut writes = Vec::new();
                for client in first..end.min(first + TOGETHER) {
                    for order in orders_of(client, born)? {
                        for feed in Feed::of(order.status, &order.city_key, &order.category) {
                            *moves.entry(feed).or_insert(0_i64) += 1;
                        }
                        writes.push(Write::put("lock", &ContactLock::of(&order)));
                        writes.push(Write::put("owned", &OwnedOrder::of(&order)));
                        writes.push(Write::put("order", &order));
                    }
                    writes.push(Write::put("client", &client_of(client, born)?));
                }
                // Written again, they are the same.
                store::put(&table, &writes).await?;
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        for (feed, by) in writer.await?? {
            *totals.entry(feed).or_insert(0) += by;
        }
    }
    // As totals and not as sums, so that they may be written again.
    let counters = totals.iter().map(|(feed, count)| {
        Write::put("counter", &FeedCounter { feed: feed.clone(), shard: 0, count: *count })
    });
    store::put(table, &counters.collect::<Vec<_>>()).await
}

fn orders_of(client: usize, born: Instant) -> Result<Vec<Order>> {
    (client * EACH..(client + 1) * EACH).map(|n| order(client, n, born)).collect()
}

fn order(client: usize, n: usize, born: Instant) -> Result<Order> {
    let job = job(n);
    let text = |name| job.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let contact = ContactKey::of(&text("contact"));
    let created_at = born + SignedDuration::from_micros(i64::try_from(n)?);
    let order = Order {
        id: format!("load{n:08}"),
        client_id: i64::try_from(FIRST + client)?,
        category: text("category"),
        description: text("description"),
        city_key: CityKey::of(&text("city")).into(),
        city: text("city"),
        contact: text("contact"),
        contact_kind: contact.kind().name().to_owned(),
        contact_key: contact.digest(),
        created_at,
        expires_in_minutes: 60,
        status: Status::Active,
        taken_by: Vec::new(),
        response_deadline: None,
        customer_responded_at: None,
        end_at: created_at,
        review: None,
        version: 1,
    };
    Ok(Order { end_at: order.ends_at(), ..order })
}

fn client_of(client: usize, born: Instant) -> Result<errands::users::User> {
    let profile = Profile {
        first_name: "Bench".to_owned(),
        last_name: None,
        username: Some(format!("bench{}", FIRST + client)),
        language: None,
        at: born.seconds(),
    };
    let user = profile.newcomer(i64::try_from(FIRST + client)?, born);
    let each = i64::try_from(EACH)?;
    Ok(errands::users::User { active_orders: each, own_active: each, ..user })
}

async fn pages(stack: &Stack, size: usize) -> Result<()> {
    let launch = launch_data(ERRANDS_BOT, u64::try_from(FIRST)?)?;
    let (city, category) = (encoded(pick(&CITIES, 0)), encoded(pick(&CATEGORIES, 0)));
    let first = stack.send(&Call::new("GET", "/api/orders", &launch)).await?;
    let first: Value = serde_json::from_slice(first.body())?;
    let cursor = first.get("next_cursor").and_then(Value::as_str).unwrap_or_default();
    let total = first.get("total").and_then(Value::as_u64).unwrap_or_default();
    if total < u64::try_from(size)? {
        return Err(format!("{size} orders were written, and the list counts {total}").into());
    }
    for (name, query) in [
        ("all", String::new()),
        ("all, the next page", format!("?cursor={cursor}")),
        ("city", format!("?city={city}")),
        ("category", format!("?category={category}")),
        ("city and category", format!("?city={city}&category={category}")),
        ("mine", "?mine=true".to_owned()),
    ] {
        let call = Call::new("GET", format!("/api/orders{query}"), &launch);
        let mut latencies = Vec::new();
        let mut cost = Cost::default();
        for _ in 0..FETCHES {
            let sent = Moment::now();
            let answer = stack.send(&call).await?;
            latencies.push(sent.elapsed());
            if answer.status() != 200 {
                return Err(format!("{name}: {answer:?}").into());
            }
            cost = Cost::of(&answer);
        }
        row(size, name, &cost, &mut latencies);
    }
    Ok(())
}

fn row(size: usize, name: &str, cost: &Cost, latencies: &mut [Duration]) {
    latencies.sort_unstable();
    let p50 = milliseconds(percentile(latencies, 50));
    let read = units(cost.read_milliunits);
    line(&format!("| {size} | {name} | {} | {read} | {p50} |", cost.requests));
}

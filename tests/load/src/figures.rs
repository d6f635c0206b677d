//! List, filtered list, one order, me, create, take: one after another, and over 32 connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use benches::{Result, line};
use bytes::Bytes;
use http::Response;

use crate::drive::drive;
use crate::people::People;
use crate::seed::{self, CATEGORIES, CITIES, encoded, job, pick};
use crate::settings;
use crate::stack::{Call, Stack};
use crate::table;

/// The first seed.
const FEW: usize = 1_500;
/// The second.
const MANY: usize = 205_000;
/// How long each figure is taken, if `SECONDS_EACH` does not say otherwise.
const SECONDS: u64 = 5;
/// Takes that an order has room for.
const TAKES: usize = 3;

/// What requests are made of.
struct Load {
    people: People,
    /// Orders with the numbers of their jobs, in the order of those.
    orders: Vec<(usize, String)>,
    next_job: AtomicUsize,
    next_take: AtomicUsize,
}

/// One kind of request.
#[derive(Clone, Copy)]
struct Kind {
    name: &'static str,
    status: u16,
    /// What the system that was there before reached, in requests a second.
    before: Option<u128>,
    call: fn(&Load, usize) -> Call,
}

const KINDS: [Kind; 6] = [
    Kind { name: "list", status: 200, before: Some(220), call: list },
    Kind { name: "filtered list", status: 200, before: Some(212), call: filtered },
    Kind { name: "one order", status: 200, before: None, call: one },
    Kind { name: "me", status: 200, before: Some(1_490), call: me },
    Kind { name: "create", status: 201, before: Some(202), call: create },
    Kind { name: "take", status: 200, before: Some(217), call: take },
];

fn list(load: &Load, n: usize) -> Call {
    Call::new("GET", "/api/orders", load.people.launch(n))
}

fn filtered(load: &Load, n: usize) -> Call {
    let (city, category) = (encoded(pick(&CITIES, n)), encoded(pick(&CATEGORIES, n)));
    let path = format!("/api/orders?city={city}&category={category}");
    Call::new("GET", path, load.people.launch(n))
}

fn one(load: &Load, n: usize) -> Call {
    let id = load.orders.get(n % load.orders.len().max(1)).map_or("", |(_, id)| id.as_str());
    Call::new("GET", format!("/api/orders/{id}"), load.people.launch(n))
}

fn me(load: &Load, n: usize) -> Call {
    Call::new("GET", "/api/users/me", load.people.launch(n))
}

fn create(load: &Load, _: usize) -> Call {
    let n = load.next_job.fetch_add(1, Ordering::Relaxed);
    Call::new("POST", "/api/orders", load.people.launch(n)).with(&job(n))
}

/// Every order is taken by the three people after its client.
fn take(load: &Load, _: usize) -> Call {
    let n = load.next_take.fetch_add(1, Ordering::Relaxed);
    let (job, id) = load.orders.get(n / TAKES).map_or((0, ""), |(job, id)| (*job, id.as_str()));
    let executor = load.people.launch(job + 1 + n % TAKES);
    Call::new("POST", format!("/api/orders/{id}/take"), executor)
}

/// Seeds, measures, seeds, measures.
///
/// # Errors
/// When the stack does not answer, or refuses a seed.
pub async fn run(stack: &Stack) -> Result<()> {
    let time = settings::time(SECONDS);
    let many = std::env::var("ORDERS").ok().and_then(|text| text.parse().ok()).unwrap_or(MANY);
    let people = People::open_the_app()?;
    seed::people(stack, &people).await?;
    let mut load = Load {
        people,
        orders: Vec::new(),
        next_job: AtomicUsize::new(0),
        next_take: AtomicUsize::new(0),
    };
    for count in [FEW, many] {
        let from = load.next_job.load(Ordering::Relaxed);
        load.orders.extend(seed::orders(stack, &load.people, from, from + count).await?);
        load.next_job.store(from + count, Ordering::Relaxed);
        load.orders.sort_unstable();
        line(&format!("\n{} orders, default page of 50:\n", load.orders.len()));
        load = measured(stack, load, time).await?;
        line("");
    }
    Ok(())
}

async fn measured(stack: &Stack, load: Load, time: Duration) -> Result<Load> {
    let load = Arc::new(load);
    table::head();
    for kind in KINDS {
        for connections in [1, 32] {
            let made = load.clone();
            let call = move |n| (kind.call)(&made, n);
            let good = move |answer: &Response<Bytes>| answer.status() == kind.status;
            let mut seen = drive(stack, (connections, time), call, good).await?;
            let before = kind.before.filter(|_| connections > 1);
            table::row(kind.name, connections, &mut seen, before);
        }
    }
    Arc::into_inner(load).ok_or_else(|| "somebody still works".into())
}

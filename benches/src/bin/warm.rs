//! Warm HTTP on the local stack, with one caller and with 32.
//!
//! `bench-warm http://127.0.0.1:9000 SECONDS` wants a running `cargo local`, with the limits out of
//! the way; `benches/run` starts it so.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use benches::{CLUB_BOT, Result, client, launch_data, line, milliseconds, percentile, send};
use serde_json::{Value, json};

const CALLERS: u64 = 32;

#[derive(Clone)]
struct Target {
    name: &'static str,
    method: &'static str,
    url: String,
    tag: Option<String>,
    body: fn(u64) -> Value,
    status: u16,
    fresh_user: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let base = arguments.next().unwrap_or_else(|| "http://127.0.0.1:9000".to_owned());
    let seconds: u64 = arguments.next().unwrap_or_else(|| "5".to_owned()).parse()?;
    let targets = targets(&base).await?;
    line("| request | callers | requests/s | p50 ms | p99 ms | errors |");
    line("|---|---:|---:|---:|---:|---:|");
    for target in targets {
        for callers in [1, CALLERS] {
            measure(&target, callers, Duration::from_secs(seconds)).await?;
        }
    }
    Ok(())
}

async fn targets(base: &str) -> Result<Vec<Target>> {
    let read = format!("{base}/club/api/v1/energies/balance");
    let user = launch_data(CLUB_BOT, 1)?;
    let first = send(&client(), "GET", &read, &[("authorization", &user)], &Value::Null).await?;
    let tag = first.headers().get("etag").and_then(|tag| tag.to_str().ok()).map(str::to_owned);
    Ok(vec![
        Target {
            name: "balance, read",
            method: "GET",
            url: read.clone(),
            tag: None,
            body: |_| Value::Null,
            status: 200,
            fresh_user: false,
        },
        Target {
            name: "balance, 304",
            method: "GET",
            url: read,
            tag,
            body: |_| Value::Null,
            status: 304,
            fresh_user: false,
        },
        Target {
            name: "payment link, money write",
            method: "POST",
            url: format!("{base}/club/api/payments/generate-link"),
            tag: None,
            body: |id| {
                json!({
                    "telegram_id": id, "email": "bench@example.test",
                    "offer_key": "monthly_rub_2000", "provider": "sandbox",
                })
            },
            status: 200,
            fresh_user: true,
        },
    ])
}

async fn measure(target: &Target, callers: u64, time: Duration) -> Result<()> {
    let errors = Arc::new(AtomicU64::new(0));
    let users = Arc::new(AtomicU64::new(1_000 * (callers + 1) + 1));
    let began = Instant::now();
    let work = (0..callers).map(|_| {
        let (target, errors, users) = (target.clone(), errors.clone(), users.clone());
        tokio::spawn(async move {
            let client = client();
            let mut taken = Vec::new();
            let known = launch_data(CLUB_BOT, 1)?;
            while began.elapsed() < time {
                let id = if target.fresh_user { users.fetch_add(1, Ordering::Relaxed) } else { 1 };
                let user =
                    if target.fresh_user { launch_data(CLUB_BOT, id)? } else { known.clone() };
                let mut headers = vec![("authorization", user.as_str())];
                headers.extend(target.tag.as_deref().map(|tag| ("if-none-match", tag)));
                let body = (target.body)(id);
                let sent = Instant::now();
                let answer = send(&client, target.method, &target.url, &headers, &body).await?;
                taken.push(sent.elapsed());
                if answer.status().as_u16() != target.status {
                    errors.fetch_add(1, Ordering::Relaxed);
                }
            }
            Result::Ok(taken)
        })
    });
    let mut all = Vec::new();
    for work in work.collect::<Vec<_>>() {
        all.extend(work.await??);
    }
    let elapsed_ms = began.elapsed().as_millis().max(1);
    all.sort_unstable();
    let per_second = u128::try_from(all.len())? * 1000 / elapsed_ms;
    line(&format!(
        "| {} | {callers} | {per_second} | {} | {} | {} |",
        target.name,
        milliseconds(percentile(&all, 50)),
        milliseconds(percentile(&all, 99)),
        errors.load(Ordering::Relaxed),
    ));
    Ok(())
}

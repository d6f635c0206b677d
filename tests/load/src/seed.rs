//! Orders over HTTP, as clients post them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use benches::{Result, line};
use serde_json::{Value, json};

use crate::people::{PEOPLE, People};
use crate::stack::{Call, Stack};

/// Connections that seed.
const CONNECTIONS: usize = 32;
/// What orders are about.
pub const CATEGORIES: [&str; 7] = [
    "Сантехника",
    "Электрика",
    "Бытовой ремонт",
    "Клининг",
    "Сборка/установка",
    "Бытовая техника",
    "Другое",
];
/// Where they are.
pub const CITIES: [&str; 10] =
    ["Москва", "Казань", "Сочи", "Орёл", "Уфа", "Омск", "Пермь", "Тула", "Томск", "Чита"];

/// The job number `n`: its contact is nobody else's.
pub fn job(n: usize) -> Value {
    json!({
        "category": pick(&CATEGORIES, n),
        "city": pick(&CITIES, n / CATEGORIES.len()),
        "description": format!("Течёт кран на кухне, нужен мастер в течение часа. Заявка {n}"),
        "contact": format!("@load_{n}"),
    })
}

/// One of a few, round and round.
pub fn pick<'a>(of: &[&'a str], n: usize) -> &'a str {
    of.get(n % of.len().max(1)).copied().unwrap_or_default()
}

/// Text as it stands in a query.
pub fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Lets everyone open the app and fill their balance.
///
/// # Errors
/// When somebody is refused.
pub async fn people(stack: &Stack, people: &People) -> Result<()> {
    for n in 0..PEOPLE {
        let amount = json!({"amount": 100_000});
        let call = Call::new("POST", "/api/balance/recharge", people.launch(n)).with(&amount);
        let answer = stack.send(&call).await?;
        if answer.status() != 200 {
            return Err(format!("recharge: {answer:?}").into());
        }
    }
    Ok(())
}

/// Posts the jobs from number `from` to before `to`; their ids, in any order.
///
/// # Errors
/// When one is refused.
pub async fn orders(
    stack: &Stack,
    people: &People,
    from: usize,
    to: usize,
) -> Result<Vec<(usize, String)>> {
    let (next, began) = (Arc::new(AtomicUsize::new(from)), Instant::now());
    let posting = (0..CONNECTIONS).map(|_| {
        let (stack, people, next) = (stack.apart(), people.clone(), next.clone());
        tokio::spawn(async move {
            let mut posted = Vec::new();
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= to {
                    return Result::Ok(posted);
                }
                posted.push((n, post(&stack, &people, n).await?));
            }
        })
    });
    let mut all = Vec::with_capacity(to.saturating_sub(from));
    for posting in posting.collect::<Vec<_>>() {
        all.extend(posting.await??);
    }
    let ms = began.elapsed().as_millis().max(1);
    let per_second = u128::try_from(all.len())? * 1_000 / ms;
    line(&format!("seeded {} orders over HTTP, {per_second} a second", all.len()));
    Ok(all)
}

async fn post(stack: &Stack, people: &People, n: usize) -> Result<String> {
    let call = Call::new("POST", "/api/orders", people.launch(n)).with(&job(n));
    let answer = stack.send(&call).await?;
    let body: Value = serde_json::from_slice(answer.body())?;
    match body.get("id").and_then(Value::as_str) {
        Some(id) => Ok(id.to_owned()),
        None => Err(format!("order {n}: {} {body}", answer.status()).into()),
    }
}

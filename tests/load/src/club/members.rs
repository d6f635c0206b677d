//! Members through the store, with what they add to the ratings.
//!
//! What ratings publish is the same at every size: ten cities, a hundred teams of ten, a thousand
//! different scores. The first thousand members are in the teams and have the highest scores and the
//! most experience; whoever comes after them is in a city, and in no team.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use benches::Result;
use club::auth::{Member, city_key};
use club::ratings::Seeds;
use club::teams::{Founding, Team};
use jiff::SignedDuration;
use shared::clock::Instant;
use shared::table::{Table, Write};

use crate::seed::{CITIES, pick};
use crate::store;

/// The table of the club in the stage `test`.
pub const TABLE: &str = "test-club";
/// The Telegram id of the first.
const FIRST: usize = 1_000_000;
/// Members whose items are written together.
const TOGETHER: usize = 50;
/// The members in teams.
const TEAMED: usize = 1_000;
/// Members of a team.
const EACH: usize = 10;
/// Members with a score that nobody else has, and the different scores of all others.
const SCORES: usize = 500;

/// The Telegram id of number `n`.
pub fn tg_id(n: usize) -> usize {
    FIRST + n
}

/// The score of number `n`.
pub fn energies(n: usize) -> usize {
    match n < SCORES {
        true => 100_000 - 7 * n,
        false => n % SCORES * 7,
    }
}

fn team_id(n: usize) -> Option<String> {
    (n < TEAMED).then(|| format!("load-{:03}", n / EACH))
}

fn member(n: usize, born: Instant) -> Result<Member> {
    let city = pick(&CITIES, n / EACH);
    let energies = energies(n);
    let experience = if n < TEAMED { 20_000 - n } else { n % 5_000 + 1 };
    let hours = i64::try_from(720 + n % 300)?;
    Ok(Member {
        username: Some(format!("load{}", tg_id(n))),
        first_name: "Анна".to_owned(),
        city: Some(city.to_owned()),
        city_key: Some(city_key(city)),
        balance: i64::try_from(energies)?,
        earned_total: u64::try_from(energies)?,
        experience: u32::try_from(experience)?,
        subscription_expires: Some(born + SignedDuration::from_hours(hours)),
        paid_since: Some(born),
        team_id: team_id(n),
        ..Member::new(i64::try_from(tg_id(n))?, None, None, born)
    })
}

/// Writes the teams.
///
/// # Errors
/// When the store does not answer.
pub async fn found(table: &Table, born: Instant) -> Result<()> {
    let mut writes = Vec::new();
    for n in (0..TEAMED).step_by(EACH) {
        let city = pick(&CITIES, n / EACH);
        let founding =
            Founding { city: city.to_owned(), city_key: city_key(city), ..Founding::default() };
        let number = u32::try_from(n / EACH / CITIES.len() + 1)?;
        let id = team_id(n).unwrap_or_default();
        let member_count = u32::try_from(EACH)?;
        writes.push(Write::put(
            "team",
            &Team { id, member_count, ..Team::new(founding, number, born) },
        ));
    }
    store::put(table, &writes).await
}

/// Writes these members, each behind what they add to the ratings, and then the totals: the change
/// stream tells of all of them later and finds nothing to do.
///
/// # Errors
/// When the store does not answer.
pub async fn seed(table: &Arc<Table>, numbers: Range<usize>, born: Instant) -> Result<()> {
    let next = Arc::new(AtomicUsize::new(numbers.start));
    let writers = (0..store::WRITERS).map(|_| {
        let (table, next, end) = (table.clone(), next.clone(), numbers.end);
        tokio::spawn(async move {
            let mut seeds = Seeds::default();
            loop {
                let first = next.fetch_add(TOGETHER, Ordering::Relaxed);
                if first >= end {
                    return Result::Ok(seeds);
                }
                let (mut ratings, mut members) = (Vec::new(), Vec::new());
                for n in first..end.min(first + TOGETHER) {
                    let member = member(n, born)?;
                    ratings.extend(seeds.add(&member, born));
                    members.push(Write::put("member", &member));
                }
                store::put(&table, &ratings).await?;
                store::put(&table, &members).await?;
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        for total in writer.await??.totals() {
            table.write(total).await?;
        }
    }
    Ok(())
}

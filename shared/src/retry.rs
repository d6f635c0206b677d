//! Trying again: only what is transient, with full jitter, and never a money effect whose
//! outcome is unknown (that one is reconciled by reading first).

use std::future::Future;
use std::time::Duration;

use crate::ids;
use crate::problem::Problem;

/// Longest first pause; doubled for each further attempt up to [`CEILING`].
const BASE: Duration = Duration::from_millis(20);
/// Longest pause of all.
const CEILING: Duration = Duration::from_millis(1_000);
/// How often an optimistic use case reads and tries anew before it says "try again".
const OPTIMISTIC_TRIES: u32 = 5;

/// Waits a random time of at most `BASE · 2^(attempt−1)`: full jitter, so that those who
/// collided do not meet again.
pub async fn pause(attempt: u32) {
    tokio::time::sleep(jitter(attempt, ids::random_u64())).await;
}

fn jitter(attempt: u32, random: u64) -> Duration {
    let factor = 2_u32.saturating_pow(attempt.saturating_sub(1));
    let longest = BASE.saturating_mul(factor).min(CEILING);
    let micros = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(random % (micros + 1))
}

/// What one round of an optimistic use case came to.
pub enum Round<T> {
    /// It is done.
    Done(T),
    /// What it had read was changed by another writer: read again.
    Stale,
}

/// Runs a use case that reads, decides and writes conditionally, anew for each time another
/// writer came first, at most five times.
///
/// # Errors
/// What a round fails with, or `conflict_retry` when every round found itself outrun.
pub async fn optimistic<T, F>(mut round: impl FnMut() -> F) -> Result<T, Problem>
where
    F: Future<Output = Result<Round<T>, Problem>>,
{
    for attempt in 1..=OPTIMISTIC_TRIES {
        if let Round::Done(value) = round().await? {
            return Ok(value);
        }
        pause(attempt).await;
    }
    Err(Problem::try_again("outrun by other writers"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_ceiling() {
        assert!(jitter(1, u64::MAX) <= BASE);
        assert!(jitter(60, u64::MAX) <= CEILING);
        assert_eq!(jitter(3, 0), Duration::ZERO);
    }

    #[tokio::test]
    async fn five_stale_rounds_are_told_to_come_again() {
        let mut rounds = 0;
        let result: Result<(), _> = optimistic(|| {
            rounds += 1;
            async { Ok(Round::Stale) }
        })
        .await;
        assert_eq!(result.unwrap_err().code(), "conflict_retry");
        assert_eq!(rounds, 5);
    }
}

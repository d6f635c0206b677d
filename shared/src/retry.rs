//! Trying again: only what is transient, with full jitter, and never a money effect whose
//! outcome is unknown (that one is reconciled by reading first).

use std::future::Future;
use std::time::Duration;

use crate::ids;
use crate::problem::Problem;

/// Growing pauses: the longest first one, doubled for each further attempt up to a ceiling.
#[derive(Clone, Copy)]
struct Pauses {
    base: Duration,
    ceiling: Duration,
}

/// Between attempts of one request.
const REQUESTS: Pauses =
    Pauses { base: Duration::from_millis(20), ceiling: Duration::from_millis(1_000) };
/// Between rounds of a use case, each of which reads anew.
const ROUNDS: Pauses =
    Pauses { base: Duration::from_millis(8), ceiling: Duration::from_millis(500) };
/// How often [`optimistic`] tries.
const OPTIMISTIC_TRIES: u32 = 5;

/// Waits a random time of at most 20 ms · 2^(attempt−1), never over a second: full jitter, so that
/// those who collided do not meet again.
pub async fn pause(attempt: u32) {
    REQUESTS.wait(attempt).await;
}

impl Pauses {
    async fn wait(self, attempt: u32) {
        tokio::time::sleep(self.jitter(attempt, ids::random_u64())).await;
    }

    fn jitter(self, attempt: u32, random: u64) -> Duration {
        let factor = 2_u32.saturating_pow(attempt.saturating_sub(1));
        let longest = self.base.saturating_mul(factor).min(self.ceiling);
        let micros = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(random % (micros + 1))
    }
}

/// What one round of an optimistic use case came to.
pub enum Round<T> {
    /// It is done.
    Done(T),
    /// What it had read was changed by another writer: read again.
    Stale,
}

/// Runs a use case that reads, decides and writes conditionally, anew for each time another
/// writer came first, at most `tries` times, with jittered pauses of at most 8 ms · 2^(n−1) and
/// never over 500 ms.
///
/// # Errors
/// What a round fails with, or `conflict_retry` when every round found itself outrun.
pub async fn contended<T, F>(tries: u32, mut round: impl FnMut() -> F) -> Result<T, Problem>
where
    F: Future<Output = Result<Round<T>, Problem>>,
{
    for attempt in 1..=tries {
        if let Round::Done(value) = round().await? {
            return Ok(value);
        }
        if attempt < tries {
            ROUNDS.wait(attempt).await;
        }
    }
    Err(Problem::try_again("outrun by other writers"))
}

/// [`contended`] with as many tries as suit what few writers meet at.
///
/// # Errors
/// As [`contended`].
pub async fn optimistic<T, F>(round: impl FnMut() -> F) -> Result<T, Problem>
where
    F: Future<Output = Result<Round<T>, Problem>>,
{
    contended(OPTIMISTIC_TRIES, round).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_ceiling() {
        for pauses in [REQUESTS, ROUNDS] {
            assert!(pauses.jitter(1, u64::MAX) <= pauses.base);
            assert!(pauses.jitter(60, u64::MAX) <= pauses.ceiling);
            assert_eq!(pauses.jitter(3, 0), Duration::ZERO);
        }
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

    #[tokio::test]
    async fn a_round_that_was_outrun_reads_anew() {
        let mut rounds = 0;
        let done = contended(8, || {
            rounds += 1;
            let seen = rounds;
            async move { Ok(if seen < 8 { Round::Stale } else { Round::Done(seen) }) }
        });
        assert_eq!(done.await.unwrap(), 8);
    }
}

//! One movable clock for everything in the process.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// A handle on one clock; clones share it. It moves forward only, whether it ticks or is frozen.
#[derive(Clone, Debug)]
pub struct Clock {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    changes: watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    /// Distance from the machine's clock while ticking; `None` while frozen.
    offset: Option<SignedDuration>,
    /// The latest instant anybody was told, so that the machine's clock stepping back is not seen.
    last: Timestamp,
}

/// The clock was asked to go back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the clock is at {now} and does not go back to {asked}")]
pub struct Backwards {
    /// Where the clock stands.
    pub now: Timestamp,
    /// Where it was asked to go.
    pub asked: Timestamp,
}

impl Clock {
    /// The machine's own time, ticking.
    #[must_use]
    pub fn system() -> Self {
        Self::new(Some(SignedDuration::ZERO), Timestamp::now())
    }

    /// Frozen at `now`: it moves only by [`Clock::set`] and [`Clock::advance`].
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self::new(None, now)
    }

    /// Ticking from `now` on.
    #[must_use]
    pub fn ticking_from(now: Timestamp) -> Self {
        Self::new(Some(now.duration_since(Timestamp::now())), now)
    }

    fn new(offset: Option<SignedDuration>, last: Timestamp) -> Self {
        let state = Mutex::new(State { offset, last });
        Self { inner: Arc::new(Inner { state, changes: watch::channel(0).0 }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The current instant; never less than what an earlier call answered.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.state().read()
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.now().as_millisecond()
    }

    /// Moves the clock to `to` and keeps it ticking or frozen as it was.
    ///
    /// # Errors
    /// [`Backwards`] when `to` has passed.
    pub fn set(&self, to: Timestamp) -> Result<Timestamp, Backwards> {
        {
            let mut state = self.state();
            let now = state.read();
            if to < now {
                return Err(Backwards { now, asked: to });
            }
            state.move_to(to);
        }
        self.announce();
        Ok(to)
    }

    /// Moves the clock forward by `by` and answers where it stands then.
    pub fn advance(&self, by: Duration) -> Timestamp {
        let to = {
            let mut state = self.state();
            let to = state.read().checked_add(by).unwrap_or(Timestamp::MAX);
            state.move_to(to);
            to
        };
        self.announce();
        to
    }

    /// Stops the ticking.
    pub fn freeze(&self) {
        {
            let mut state = self.state();
            state.read();
            state.offset = None;
        }
        self.announce();
    }

    /// Ticks on from where the clock stands.
    pub fn resume(&self) {
        {
            let mut state = self.state();
            let now = state.read();
            state.offset = Some(now.duration_since(Timestamp::now()));
        }
        self.announce();
    }

    /// Whether the clock stands still between moves.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.state().offset.is_none()
    }

    fn announce(&self) {
        self.inner.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Announces every move, freeze and resume. Subscribe before reading [`Clock::now`], so that
    /// no move between the two is missed.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }

    /// Waits for the next move, freeze or resume after this call.
    pub async fn changed(&self) {
        // The sender lives as long as `self`, so the error of a closed channel cannot come.
        let _ = self.subscribe().changed().await;
    }

    /// Waits until the clock has reached `at`, by ticking or by being moved.
    pub async fn sleep_until(&self, at: Timestamp) {
        let mut changes = self.subscribe();
        loop {
            let now = self.now();
            if now >= at {
                return;
            }
            if self.is_frozen() {
                let _ = changes.changed().await;
                continue;
            }
            let left = Duration::try_from(at.duration_since(now)).unwrap_or_default();
            tokio::select! {
                () = tokio::time::sleep(left) => {}
                _ = changes.changed() => {}
            }
        }
    }
}

impl State {
    fn read(&mut self) -> Timestamp {
        if let Some(offset) = self.offset {
            let now = Timestamp::now().checked_add(offset).unwrap_or(Timestamp::MAX);
            self.last = self.last.max(now);
        }
        self.last
    }

    fn move_to(&mut self, to: Timestamp) {
        self.last = to;
        if self.offset.is_some() {
            self.offset = Some(to.duration_since(Timestamp::now()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn frozen_moves_only_when_told_and_never_back() {
        let clock = Clock::at(instant("2026-01-31T12:00:00Z"));
        assert_eq!(clock.now(), clock.now());
        assert_eq!(clock.advance(Duration::from_secs(900)), instant("2026-01-31T12:15:00Z"));
        let refused = clock.set(instant("2026-01-31T12:00:00Z")).unwrap_err();
        assert_eq!(refused.now, instant("2026-01-31T12:15:00Z"));
        clock.set(instant("2026-02-01T00:00:00Z")).unwrap();
        assert_eq!(clock.now(), instant("2026-02-01T00:00:00Z"));
    }

    #[test]
    fn ticking_goes_on_from_where_it_was_set() {
        let clock = Clock::ticking_from(instant("2030-01-01T00:00:00Z"));
        clock.set(instant("2031-01-01T00:00:00Z")).unwrap();
        assert!(clock.now() >= instant("2031-01-01T00:00:00Z"));
        assert!(clock.now() < instant("2031-01-01T01:00:00Z"));
        clock.freeze();
        let stands = clock.now();
        assert_eq!(clock.now(), stands);
        clock.resume();
        assert!(clock.now() >= stands && !clock.is_frozen());
    }

    #[tokio::test]
    async fn a_sleeper_wakes_when_a_frozen_clock_is_moved() {
        let clock = Clock::at(instant("2026-01-31T12:00:00Z"));
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(instant("2026-01-31T12:10:00Z")).await }
        });
        clock.advance(Duration::from_secs(60));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(540));
        tokio::time::timeout(Duration::from_secs(5), sleeper).await.unwrap().unwrap();
    }
}

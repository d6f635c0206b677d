//! What becomes of an entry, by how performing it ended. No I/O.

use jiff::SignedDuration;

use super::{Entry, State};
use crate::clock::Instant;

/// How often an entry is performed anew after its answer was lost, where that is wanted.
const LOSSES_MAX: u32 = 1;
/// How long to wait before that.
const LOSS_PAUSE: SignedDuration = SignedDuration::from_secs(1);

/// How a service's entries are delivered.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Pauses after definite failures, in seconds; after the last the entry is given up.
    pub pauses_s: &'static [i64],
    /// What becomes of an entry whose outcome is unknown.
    pub after_crash: AfterCrash,
}

/// What becomes of an entry whose outcome is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterCrash {
    /// It is marked unconfirmed and reported, and never performed again: once or not at all.
    Report,
    /// It is performed again, after a crash each time within bounds, after a lost answer one more
    /// time: perhaps twice, but not lost.
    Repeat,
}

impl Rules {
    /// May what has happened so often happen once more?
    pub(super) fn repeat(self, so_far: u32, most: u32) -> bool {
        self.after_crash == AfterCrash::Repeat && so_far < most
    }
}

/// How performing an entry ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Sent,
    /// Refused for good.
    Refused,
    /// Certainly not done; may be tried again, after this pause at the earliest if the other
    /// side named one.
    Failed(Option<SignedDuration>),
    /// Perhaps done.
    Unknown,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It has ended.
    Over(State),
    /// Then, and this counter counts it.
    Again(Instant, Option<&'static str>),
}

/// What follows from how performing it ended.
pub(super) fn next(entry: &Entry, rules: Rules, outcome: Outcome, now: Instant) -> Next {
    match outcome {
        Outcome::Sent => Next::Over(State::Sent),
        Outcome::Refused => Next::Over(State::Refused),
        Outcome::Unknown if rules.repeat(entry.losses, LOSSES_MAX) => {
            Next::Again(now + LOSS_PAUSE, Some("losses"))
        }
        Outcome::Unknown => Next::Over(State::Unconfirmed),
        // Being told to wait is no failure of this entry.
        Outcome::Failed(Some(pause)) => Next::Again(now + pause, None),
        Outcome::Failed(None) => {
            let index = usize::try_from(entry.failures).unwrap_or(usize::MAX);
            match rules.pauses_s.get(index) {
                Some(pause) => {
                    Next::Again(now + SignedDuration::from_secs(*pause), Some("failures"))
                }
                None => Next::Over(State::Refused),
            }
        }
    }
}

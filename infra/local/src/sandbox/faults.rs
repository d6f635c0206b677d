//! What goes wrong at the sandboxes, repeatably.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine::When;
use serde::Deserialize;

/// Which sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The Bot API.
    Telegram,
    /// The payment provider.
    Provider,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// 429 with a time to wait.
    Throttle,
    /// 409.
    Conflict,
    /// The caller waits in vain; no effect.
    Timeout,
    /// It takes effect, then the connection breaks.
    LostAnswer,
    /// 500, no effect.
    Error,
    /// It takes effect and is answered late.
    Delay,
}

/// A fault at a sandbox.
#[derive(Clone, Debug)]
pub struct SandboxFault {
    /// Where.
    pub place: Place,
    /// What.
    pub trouble: Trouble,
    /// To which calls.
    pub when: When,
    /// Start of the pseudo-random choice.
    pub seed: u64,
    /// How late a delayed answer is.
    pub delay: Duration,
}

/// The faults in force; clones share them.
#[derive(Clone, Debug, Default)]
pub struct SandboxFaults {
    inner: Arc<Mutex<Vec<(SandboxFault, u64)>>>,
}

impl SandboxFaults {
    /// Puts a fault in force. Of several that strike one call, the first wins.
    pub fn inject(&self, fault: SandboxFault) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).push((fault, 0));
    }

    /// Takes back all.
    pub fn clear(&self) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(super) fn strike(&self, place: Place) -> Option<(Trouble, Duration)> {
        let mut faults = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let mut struck = None;
        for (fault, seen) in faults.iter_mut().filter(|(fault, _)| fault.place == place) {
            let call = *seen;
            *seen = seen.saturating_add(1);
            if struck.is_none() && strikes(fault, call) {
                struck = Some((fault.trouble, fault.delay));
            }
        }
        struck
    }
}

fn strikes(fault: &SandboxFault, call: u64) -> bool {
    match &fault.when {
        When::Always => true,
        When::PerMillion(share) => mix(fault.seed, call) % 1_000_000 < u64::from(*share),
        When::Calls(calls) => calls.contains(&call),
    }
}

/// `splitmix64` of seed and number.
fn mix(seed: u64, number: u64) -> u64 {
    let mut z = seed.wrapping_add(number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_strikes_the_same_calls() {
        let run = |seed| {
            let faults = SandboxFaults::default();
            faults.inject(SandboxFault {
                place: Place::Telegram,
                trouble: Trouble::Error,
                when: When::rate(0.3),
                seed,
                delay: Duration::ZERO,
            });
            assert_eq!(faults.strike(Place::Provider), None);
            (0..1000).map(|_| faults.strike(Place::Telegram).is_some()).collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
        let struck = run(1).into_iter().filter(|struck| *struck).count();
        assert!((250..350).contains(&struck), "{struck}");
    }
}

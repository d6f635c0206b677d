//! What a completion brings beside its own rows.

use shared::clock::Instant;
use shared::table::Write;

use crate::auth::{self, Member};
use crate::energies::{self, Award};
use crate::gamification::{self, Achievement, Activity};

/// What a completion brings.
#[derive(Debug)]
pub(super) struct Earned {
    /// The member, the entry of the energies (refused under `entry` when they were given before),
    /// and whatever experience brings.
    pub(super) writes: Vec<Write>,
    /// Energies that are credited.
    pub(super) energies: u32,
}

/// Energies, if any are awarded, and what the activity brings besides. Refused under `member` when
/// the member is not any more as it was read.
pub(super) fn earning(
    member: &Member,
    award: Option<&Award>,
    activity: &Activity,
    achievements: &[Achievement],
    now: Instant,
) -> Earned {
    let gains = gamification::gains(member, activity, achievements, now);
    let update = gains.on(auth::change(member, now));
    let mut writes = gains.writes();
    let Some(award) = award else {
        writes.push(update);
        return Earned { writes, energies: 0 };
    };
    let income = energies::income(member, award, now);
    writes.push(income.on(update));
    let energies = income.energies;
    writes.push(income.entry);
    Earned { writes, energies }
}

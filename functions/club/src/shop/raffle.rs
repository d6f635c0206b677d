//! Who wins. No I/O, and nothing that anybody could not compute again.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use shared::clock::Instant;
use shared::ids;

/// Bytes of a seed.
const SEED_BYTES: usize = 32;

/// A ticket of a raffle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The item that it is a ticket of.
    pub item_id: String,
    /// 1, 2, 3, …
    pub number: u32,
    /// Whose it is, by Telegram id.
    pub tg_id: i64,
    /// Whose it is.
    pub user_id: String,
    /// The purchase that it came with.
    pub purchase_id: String,
    /// When.
    pub at: Instant,
}

/// A ticket that has won.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Winner {
    /// Its number.
    pub number: u32,
    /// Whose it is, by Telegram id.
    pub tg_id: i64,
    /// Whose it is.
    pub user_id: String,
}

/// A raffle that was drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draw {
    /// The item whose raffle it was.
    pub item_id: String,
    /// 32 bytes, in hexadecimal.
    pub seed: String,
    /// The SHA-256 of these bytes, in hexadecimal.
    pub seed_hash: String,
    /// How many tickets there were.
    pub tickets: u32,
    /// Who has won, the first prize first.
    pub winners: Vec<Winner>,
    /// When.
    pub at: Instant,
}

/// What decides a raffle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed([u8; SEED_BYTES]);

impl Seed {
    /// One that nobody knew.
    #[must_use]
    pub fn random() -> Self {
        let mut bytes = [0; SEED_BYTES];
        for chunk in bytes.chunks_mut(8) {
            let random = ids::random_u64().to_be_bytes();
            chunk.iter_mut().zip(random).for_each(|(byte, random)| *byte = random);
        }
        Self(bytes)
    }

    /// Reads 64 hexadecimal digits.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let digits: Option<Vec<u8>> = text
            .chars()
            .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect();
        let bytes: Vec<u8> = digits?
            .chunks(2)
            .map(|pair| pair.iter().fold(0_u8, |byte, digit| (byte << 4) | digit))
            .collect();
        (text.len() == 2 * SEED_BYTES).then_some(())?;
        bytes.try_into().ok().map(Self)
    }

    /// In hexadecimal.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex(&self.0)
    }

    /// What proves afterwards that this was the seed, in hexadecimal.
    #[must_use]
    pub fn hash(&self) -> String {
        hex(&Sha256::digest(self.0))
    }

    /// A number below `n`, every one as likely as any other.
    fn below(&self, n: u64, item_id: &str, k: usize) -> u64 {
        // Numbers from the largest multiple of n on would make the least ones likelier.
        let whole = u128::from(u64::MAX) + 1;
        let bound = whole - whole % u128::from(n.max(1));
        let mut retry = 0_u64;
        loop {
            let random = self.number(&format!("{item_id}:{k}:{retry}"));
            if u128::from(random) < bound {
                return random % n.max(1);
            }
            retry += 1;
        }
    }

    fn number(&self, of: &str) -> u64 {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            return 0; // HMAC takes keys of any length
        };
        mac.update(of.as_bytes());
        let first = mac.finalize().into_bytes();
        first.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The winners of a raffle, given its tickets in the order of their numbers: `places` of them, or
/// as many as have tickets, each member once.
#[must_use]
pub fn winners(seed: &Seed, item_id: &str, tickets: &[Ticket], places: usize) -> Vec<Winner> {
    let mut left: Vec<&Ticket> = tickets.iter().collect();
    let mut winners = Vec::new();
    for k in 0..places {
        let Ok(n) = u64::try_from(left.len()) else { break };
        if n == 0 {
            break;
        }
        let index = usize::try_from(seed.below(n, item_id, k)).unwrap_or_default();
        let Some(won) = left.get(index).copied() else { break };
        left.retain(|ticket| ticket.tg_id != won.tg_id);
        let user_id = won.user_id.clone();
        winners.push(Winner { number: won.number, tg_id: won.tg_id, user_id });
    }
    winners
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SEED: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn tickets(owners: &str) -> Vec<Ticket> {
        let ticket = |(n, owner): (usize, char)| Ticket {
            item_id: "raffle-1".to_owned(),
            number: u32::try_from(n).unwrap() + 1,
            tg_id: i64::from(u32::from(owner)),
            user_id: owner.to_string(),
            purchase_id: String::new(),
            at: Instant::from_seconds(0),
        };
        owners.chars().enumerate().map(ticket).collect()
    }

    #[test]
    fn the_raffle_of_the_contract_has_its_winners() {
        let seed = Seed::read(SEED).unwrap();
        assert_eq!(seed.to_hex(), SEED);
        let hash = "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd";
        assert_eq!(seed.hash(), hash);
        let won = winners(&seed, "raffle-1", &tickets("ABBCDAEBFD"), 3);
        let won: Vec<_> = won.iter().map(|one| (one.number, one.user_id.as_str())).collect();
        assert_eq!(won, [(6, "A"), (8, "B"), (9, "F")]);
    }

    #[test]
    fn seeds_are_64_hexadecimal_digits() {
        assert_eq!(Seed::read(&SEED.to_uppercase()), Seed::read(SEED));
        for bad in ["", &SEED[1..], &format!("{SEED}0"), &SEED.replace("1f", "1g"), &"é".repeat(32)]
        {
            assert_eq!(Seed::read(bad), None, "{bad}");
        }
        assert_ne!(Seed::random(), Seed::random());
    }

    proptest! {
        #[test]
        fn every_member_wins_once_at_most_and_all_can(
            owners in "[A-H]{0,40}", places in 0_usize..12, bytes: [u8; 32],
        ) {
            let tickets = tickets(&owners);
            let won = winners(&Seed(bytes), "r", &tickets, places);
            let mut members: Vec<_> = won.iter().map(|one| one.tg_id).collect();
            members.sort_unstable();
            members.dedup();
            let mut all: Vec<_> = tickets.iter().map(|one| one.tg_id).collect();
            all.sort_unstable();
            all.dedup();
            prop_assert_eq!(members.len(), won.len());
            prop_assert_eq!(won.len(), places.min(all.len()));
            for one in won {
                let at = usize::try_from(one.number).unwrap() - 1;
                prop_assert_eq!(tickets[at].tg_id, one.tg_id);
            }
        }

        #[test]
        fn numbers_stay_below_their_bound(n in 1_u64.., bytes: [u8; 32]) {
            prop_assert!(Seed(bytes).below(n, "r", 0) < n);
        }
    }
}

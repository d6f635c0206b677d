//! Identifiers. They are made at the edge of a use case and handed to rules as values.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::clock::Instant;

/// `N` bytes from the operating system's generator; waits for it rather than guess.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    while getrandom::fill(&mut bytes).is_err() {
        std::thread::yield_now();
    }
    bytes
}

/// A random identifier of 128 bits, as a UUID version 4.
#[must_use]
pub fn uuid() -> String {
    uuid::Builder::from_random_bytes(random()).into_uuid().to_string()
}

/// A secret of 128 random bits in base64url, 22 characters.
#[must_use]
pub fn token() -> String {
    URL_SAFE_NO_PAD.encode(random::<16>())
}

/// 72 random bits in base64url: 12 characters, for what people pass on in links. Its uniqueness
/// is a condition of whoever stores it.
#[must_use]
pub fn short() -> String {
    URL_SAFE_NO_PAD.encode(random::<9>())
}

/// 2025-01-01T00:00:00Z, in milliseconds since the Unix epoch.
const NUMERIC_EPOCH_MS: i64 = 1_735_689_600_000;
/// 41 bits of milliseconds last until the year 2094.
const NUMERIC_MS_MAX: i64 = (1 << 41) - 1;

/// A positive number of at most 2^53−1, which JavaScript holds exactly: the milliseconds since
/// 2025-01-01 UTC, and 12 random bits below. Numbers of different milliseconds grow with time;
/// uniqueness is a condition of whoever stores it.
#[must_use]
pub fn numeric(now: Instant) -> i64 {
    numeric_millis(now) | i64::from(u16::from_be_bytes(random()) >> 4)
}

/// The same for a series of which no two members have the same microsecond: 10 bits count the
/// microseconds, 2 are random. The numbers of the series grow with its instants and need no
/// condition to differ.
#[must_use]
pub fn successive(at: Instant) -> i64 {
    let micros = at.timestamp().as_microsecond().rem_euclid(1_000);
    let [noise] = random();
    numeric_millis(at) | (micros << 2) | i64::from(noise >> 6)
}

fn numeric_millis(at: Instant) -> i64 {
    at.millis().saturating_sub(NUMERIC_EPOCH_MS).clamp(1, NUMERIC_MS_MAX) << 12
}

/// A ULID: 26 characters that sort by the instant they were made at.
#[must_use]
pub fn ulid(now: Instant) -> String {
    let millis = u64::try_from(now.millis()).unwrap_or_default();
    ulid::Ulid::from_parts(millis, u128::from_be_bytes(random())).to_string()
}

/// Bits of an owner's number, and random bits below it.
const OWNER_BITS: u32 = 52;
const OWNED_NOISE_BITS: u32 = 80 - OWNER_BITS;

/// A ULID that tells whose it is: of its 80 random bits the upper 52 are `owner`, which is cut to
/// that. No secret, and 28 random bits for the ids of one owner and millisecond: uniqueness is a
/// condition of whoever stores it.
#[must_use]
pub fn ulid_of(now: Instant, owner: u64) -> String {
    let millis = u64::try_from(now.millis()).unwrap_or_default();
    let owner = u128::from(owner & ((1 << OWNER_BITS) - 1));
    let noise = u128::from(u32::from_be_bytes(random()) >> (32 - OWNED_NOISE_BITS));
    ulid::Ulid::from_parts(millis, (owner << OWNED_NOISE_BITS) | noise).to_string()
}

/// Whose a ULID of [`ulid_of`] is. Any other tells a number of no meaning: a hint, no proof.
#[must_use]
pub fn owner_of(ulid: &str) -> Option<u64> {
    let random = ulid::Ulid::from_string(ulid).ok()?.random();
    u64::try_from(random >> OWNED_NOISE_BITS).ok()
}

/// 64 random bits, for jitter and the choice of a shard.
#[must_use]
pub fn random_u64() -> u64 {
    u64::from_be_bytes(random())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owned_ulid_tells_its_owner() {
        let now: Instant = "2026-01-31T12:00:00Z".parse().unwrap();
        for owner in [0, 1, 1_000_000_001, (1 << 52) - 1] {
            let id = ulid_of(now, owner);
            assert_eq!((id.len(), owner_of(&id)), (26, Some(owner)), "{id}");
            assert_ne!(id, ulid_of(now, owner));
            assert_eq!(id[..10], ulid(now)[..10], "sorts by time");
        }
        assert_eq!(owner_of(&ulid_of(now, u64::MAX)), Some((1 << 52) - 1));
        for text in ["", "01", "01KG9JV9M0SAMPLEATTEMPT00U", &"ы".repeat(13)] {
            assert_eq!(owner_of(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_series_grows_with_its_microseconds() {
        let first = Instant::from_seconds(1_800_000_000);
        let at = |micros| first + jiff::SignedDuration::from_micros(micros);
        let all: Vec<i64> = (0..5_000).map(|micros| successive(at(micros))).collect();
        assert!(all.is_sorted_by(|before, after| before < after));
        assert_eq!(all[0] >> 12, numeric(first) >> 12);
    }

    #[test]
    fn ulids_sort_by_time() {
        let earlier = ulid(Instant::from_millis(1_000));
        let later = ulid(Instant::from_millis(1_001));
        assert_eq!(earlier.len(), 26);
        assert!(earlier < later);
    }

    #[test]
    fn identifiers_do_not_repeat() {
        assert_ne!(uuid(), uuid());
        assert_ne!(token(), token());
        assert_eq!(token().len(), 22);
        assert_ne!(short(), short());
        assert_eq!(short().len(), 12);
    }

    #[test]
    fn numbers_grow_with_time_and_are_exact_in_javascript() {
        let at = |text: &str| numeric(text.parse().unwrap());
        assert!(at("2026-11-22T00:51:47.845Z") < at("2026-11-22T00:51:47.846Z"));
        assert_eq!(at("2025-01-01T00:00:01.000Z") >> 12, 1_000);
        for bound in [i64::MIN, 0, NUMERIC_EPOCH_MS, i64::MAX] {
            let number = numeric(Instant::from_millis(bound));
            assert!((1..=(1 << 53) - 1).contains(&number), "{number}");
        }
    }
}

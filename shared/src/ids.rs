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

/// A ULID: 26 characters that sort by the instant they were made at.
#[must_use]
pub fn ulid(now: Instant) -> String {
    let millis = u64::try_from(now.millis()).unwrap_or_default();
    ulid::Ulid::from_parts(millis, u128::from_be_bytes(random())).to_string()
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
    }
}

//! Replays the corpora of the fuzz targets, so that what was once found stays found.

use std::fs;
use std::path::Path;

use jiff::Timestamp;

use super::init_data::{InitDataError, Key, Keys, Rules, verify};
use super::third_party::{Environment, ThirdParty};
use super::token::BotToken;
use super::updates::Update;

/// Feeds every input with a name to `check`; a target without inputs is a mistake. The fuzzer calls
/// its own finds by their hashes.
fn replay(target: &str, mut check: impl FnMut(&str, &[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut count = 0;
    for entry in fs::read_dir(&corpus).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            continue;
        }
        check(name, &fs::read(&path).unwrap());
        count += 1;
    }
    assert!(count >= 5, "{count} inputs in {}", corpus.display());
}

#[test]
fn init_data() {
    let token = BotToken::parse("1000000001:SYNTHETIC-TEST-TOKEN-NOT-REAL").unwrap();
    let keys = Keys::one(Key::from_bot_token(&token));
    let third = ThirdParty::new(token.bot_id(), Environment::Test).unwrap();
    let now: Timestamp = "2026-01-20T09:06:40Z".parse().unwrap();
    replay("init_data", |name, bytes| {
        let Ok(raw) = std::str::from_utf8(bytes) else { return };
        let verdict = verify(raw, &keys, now, &Rules::default());
        assert_eq!(verdict.is_ok(), name.starts_with("good"), "{name}: {verdict:?}");
        // What reads another way than it was signed is told by the name.
        if name.starts_with("duplicate") {
            assert_eq!(verdict, Err(InitDataError::DuplicateKey), "{name}");
        }
        assert!(third.verify(raw, now, &Rules::default()).is_err(), "{name}");
    });
}

#[test]
fn update() {
    replay("update", |name, bytes| {
        let update = Update::parse(bytes);
        assert_eq!(update.is_ok(), !name.starts_with("bad"), "{name}");
    });
}

//! `initData` from anybody: no panic, and nothing passes but what the token has signed.
//!
//! `cargo fuzz run -s none init_data`
#![no_main]

use std::sync::LazyLock;

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use shared::telegram::{BotToken, Environment, Key, Keys, Rules, ThirdParty, Utm, sign, verify};

static TOKEN: LazyLock<BotToken> =
    LazyLock::new(|| BotToken::parse("1000000001:SYNTHETIC-TEST-TOKEN-NOT-REAL").expect("a token"));
static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys::one(Key::from_bot_token(&TOKEN)));
static THIRD: LazyLock<ThirdParty> =
    LazyLock::new(|| ThirdParty::new(1_000_000_001, Environment::Production).expect("a bot id"));

fuzz_target!(|data: &[u8]| {
    let Ok(raw) = std::str::from_utf8(data) else { return };
    let now = Timestamp::from_second(1_768_900_000).expect("an instant");
    let rules = Rules::default();
    if let Ok(verified) = verify(raw, &KEYS, now, &rules) {
        assert!(raw.len() <= 8192);
        assert!((1..1 << 52).contains(&verified.user.id.get()));
    }
    assert!(THIRD.verify(raw, now, &rules).is_err());

    // The same bytes as signed content reach the readers behind the signature.
    for fields in [
        [("auth_date", "1768900000"), ("user", raw)],
        [("auth_date", raw), ("user", r#"{"id":1}"#)],
    ] {
        let minted = sign(&fields, &TOKEN);
        let _ = verify(&minted, &KEYS, now, &rules);
    }
    let _ = Utm::from_start_param(raw);
    let _ = shared::telegram::user::photo_url(raw);
    let _ = shared::telegram::deep_link::parse(raw);
});

//! Vectors, traps and properties of the `initData` check.

use jiff::Timestamp;
use proptest::prelude::*;

use super::form::sorted_pairs;
use super::init_data::{InitData, InitDataError, Key, Keys, RAW_MAX, Rules, sign, verify};
use super::token::BotToken;
use super::utm::Utm;

const TOKEN: &str = "1000000001:SYNTHETIC-TEST-TOKEN-NOT-REAL";
const AUTH_DATE: i64 = 1_768_900_000;
const USER: &str =
    r#"{"id":1000000001,"first_name":"Test","username":"test_user","language_code":"ru"}"#;
const HASH: &str = "e1401a609bec6c66a729d6e79b6b27060153eef301d9b5ab64909c547d32ff5a";
const RAW: &str = "auth_date=1768900000&query_id=AAE_TEST&start_param=utm_src_med_camp&user=%7B%22id%22%3A1000000001%2C%22first_name%22%3A%22Test%22%2C%22username%22%3A%22test_user%22%2C%22language_code%22%3A%22ru%22%7D&hash=e1401a609bec6c66a729d6e79b6b27060153eef301d9b5ab64909c547d32ff5a";

fn token() -> BotToken {
    BotToken::parse(TOKEN).unwrap()
}

fn keys() -> Keys {
    Keys::one(Key::from_bot_token(&token()))
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn check(raw: &str) -> Result<InitData, InitDataError> {
    check_at(raw, at(AUTH_DATE))
}

fn check_at(raw: &str, now: Timestamp) -> Result<InitData, InitDataError> {
    verify(raw, &keys(), now, &Rules::default())
}

/// A well-signed set of fields with the given ones in place of the defaults.
fn signed(fields: &[(&str, &str)]) -> String {
    let mut all = vec![("auth_date", "1768900000"), ("user", USER)];
    all.retain(|(key, _)| !fields.iter().any(|(name, _)| name == key));
    all.extend_from_slice(fields);
    sign(&all, &token())
}

#[test]
fn vector_is_accepted() {
    let now: Timestamp = "2026-01-20T09:06:40Z".parse().unwrap();
    assert_eq!(now.as_second(), AUTH_DATE);
    let data = check_at(RAW, now).unwrap();
    assert_eq!(data.user.id.get(), 1_000_000_001);
    assert_eq!(data.user.first_name, "Test");
    assert_eq!(data.user.username.as_deref(), Some("test_user"));
    assert_eq!(data.user.language_code.as_deref(), Some("ru"));
    assert_eq!(data.auth_date, now);
    assert_eq!(data.query_id.as_deref(), Some("AAE_TEST"));
    let utm = Utm::from_start_param(data.start_param.as_deref().unwrap()).unwrap();
    assert_eq!(
        (utm.source.as_str(), utm.medium.as_deref(), utm.campaign.as_deref()),
        ("src", Some("med"), Some("camp"))
    );
}

#[test]
fn vector_is_minted() {
    let fields = [
        ("auth_date", "1768900000"),
        ("query_id", "AAE_TEST"),
        ("start_param", "utm_src_med_camp"),
        ("user", USER),
    ];
    assert_eq!(sign(&fields, &token()), RAW);
    let pairs = sorted_pairs(RAW).unwrap();
    let lines: Vec<_> =
        pairs.iter().filter(|(k, _)| k != "hash").map(|(k, v)| format!("{k}={v}")).collect();
    assert_eq!(
        lines.join("\n"),
        format!(
            "auth_date=1768900000\nquery_id=AAE_TEST\nstart_param=utm_src_med_camp\nuser={USER}"
        )
    );
}

#[test]
fn every_order_of_the_fields_is_accepted() {
    fn permute(parts: &mut Vec<&str>, from: usize, count: &mut usize) {
        if from == parts.len() {
            assert!(check(&parts.join("&")).is_ok(), "{parts:?}");
            *count += 1;
            return;
        }
        for index in from..parts.len() {
            parts.swap(from, index);
            permute(parts, from + 1, count);
            parts.swap(from, index);
        }
    }
    let mut count = 0;
    permute(&mut RAW.split('&').collect(), 0, &mut count);
    assert_eq!(count, 120);
}

#[test]
fn signature_is_part_of_what_the_hash_covers() {
    let raw = signed(&[("signature", "c2lnbmF0dXJl")]);
    assert!(check(&raw).is_ok());
    let stripped = raw.replace("signature=c2lnbmF0dXJl&", "");
    assert_eq!(check(&stripped), Err(InitDataError::HashMismatch));
    let added = format!("{RAW}&signature=c2lnbmF0dXJl");
    assert_eq!(check(&added), Err(InitDataError::HashMismatch));
}

#[test]
fn age_and_skew_are_inclusive() {
    let now = at(AUTH_DATE);
    for (auth_date, expected) in [
        (AUTH_DATE, None),
        (AUTH_DATE - 86_400, None),
        (AUTH_DATE - 86_401, Some(InitDataError::Expired)),
        (0, Some(InitDataError::Expired)),
        (AUTH_DATE + 60, None),
        (AUTH_DATE + 61, Some(InitDataError::Future)),
        (AUTH_DATE + 315_360_000, Some(InitDataError::Future)),
    ] {
        let raw = signed(&[("auth_date", &auth_date.to_string())]);
        assert_eq!(check_at(&raw, now).err(), expected, "{auth_date}");
    }
    // Fractions of a second count.
    let late = "2026-01-21T09:06:40.001Z".parse().unwrap();
    assert_eq!(check_at(RAW, late), Err(InitDataError::Expired));
    assert!(InitDataError::Expired.is_expired() && !InitDataError::HashMismatch.is_expired());
    // Settings count.
    let rules = Rules { max_age_s: 300, future_skew_s: 0, ..Rules::default() };
    assert!(verify(RAW, &keys(), at(AUTH_DATE + 300), &rules).is_ok());
    assert!(verify(RAW, &keys(), at(AUTH_DATE + 301), &rules).is_err());
    assert!(verify(RAW, &keys(), at(AUTH_DATE - 1), &rules).is_err());
}

#[test]
fn auth_date_is_mandatory_plain_decimal() {
    assert_eq!(check(&sign(&[("user", USER)], &token())), Err(InitDataError::AuthDateMissing));
    for text in [
        "",
        " ",
        "+1768900000",
        "-1768900000",
        " 1768900000",
        "1768900000 ",
        "1768900000.0",
        "0x1",
        "1e9",
        "١٧٦٨٩٠٠٠٠٠",
    ] {
        let raw = signed(&[("auth_date", text)]);
        assert_eq!(check(&raw), Err(InitDataError::AuthDateMalformed), "{text:?}");
    }
    for text in [
        "253402300800",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "99999999999999999999",
    ] {
        let raw = signed(&[("auth_date", text)]);
        assert_eq!(check(&raw), Err(InitDataError::Future), "{text:?}");
    }
}

#[test]
fn extreme_clocks_do_not_panic() {
    for now in [Timestamp::MIN, Timestamp::MAX, Timestamp::UNIX_EPOCH] {
        assert!(check_at(RAW, now).is_err());
        let rules = Rules { max_age_s: u32::MAX, future_skew_s: u32::MAX, ..Rules::default() };
        let _ = verify(RAW, &keys(), now, &rules);
    }
}

#[test]
fn hash_is_64_lower_case_digits_and_there_once() {
    let (body, _) = RAW.split_once("&hash=").unwrap();
    let rows = [
        (body.to_owned(), InitDataError::HashMissing),
        (format!("{body}&user=x"), InitDataError::HashMissing),
        ("mock_init_data_for_development".to_owned(), InitDataError::HashMissing),
        (format!("{body}&Hash={HASH}"), InitDataError::HashMissing),
        (format!("{body}&hash="), InitDataError::HashMalformed),
        (format!("{body}&hash={}", HASH.to_uppercase()), InitDataError::HashMalformed),
        (format!("{body}&hash={}", HASH.replacen('e', "E", 1)), InitDataError::HashMalformed),
        (format!("{body}&hash={}", &HASH[..63]), InitDataError::HashMalformed),
        (format!("{body}&hash={HASH}0"), InitDataError::HashMalformed),
        (format!("{body}&hash={HASH}{HASH}"), InitDataError::HashMalformed),
        (format!("{body}&hash=0x{}", &HASH[2..]), InitDataError::HashMalformed),
        (format!("{body}&hash={}%20", &HASH[1..]), InitDataError::HashMalformed),
        (format!("{body}&hash={HASH}&hash={HASH}"), InitDataError::DuplicateKey),
        (format!("{body}&hash={HASH}&%68ash={HASH}"), InitDataError::DuplicateKey),
        (format!("hash={}&{body}", "0".repeat(64)), InitDataError::HashMismatch),
    ];
    for (raw, expected) in rows {
        assert_eq!(check(&raw), Err(expected), "{raw}");
    }
}

#[test]
fn duplicate_keys_are_refused_whichever_value_they_have() {
    for extra in ["user=x", "us%65r=x", "auth_date=1768900000", "query_id=AAE_TEST"] {
        for raw in [format!("{RAW}&{extra}"), format!("{extra}&{RAW}")] {
            assert_eq!(check(&raw), Err(InitDataError::DuplicateKey), "{raw}");
        }
    }
}

#[test]
fn pairs_cannot_be_merged_or_split_under_the_same_hash() {
    // The same data-check string, cut into other pairs.
    let merged = RAW.replace("&start_param=", "%0Astart_param%3D");
    assert_eq!(check(&merged), Err(InitDataError::Malformed));
    let moved = RAW.replace("query_id=AAE_TEST", "query_id%3DAAE_TEST=");
    assert_eq!(check(&moved), Err(InitDataError::Malformed));
}

#[test]
fn malformed_forms_are_refused() {
    for raw in ["", "&", "tma", "{}", "%", "auth_date", "\u{0}"] {
        assert_eq!(check(raw), Err(InitDataError::HashMissing), "{raw:?}");
    }
    for tail in ["&", "&x", "&=1", "&x=%", "&x=%e", "&x=%zz", "&x=%ff", "&x=%c3%28"] {
        assert_eq!(check(&format!("{RAW}{tail}")), Err(InitDataError::Malformed), "{tail}");
    }
    assert_eq!(check(&format!("?{RAW}")), Err(InitDataError::Malformed));
}

#[test]
fn length_limit_is_inclusive() {
    let room = RAW_MAX - signed(&[("x", "")]).len();
    let full = signed(&[("x", &"a".repeat(room))]);
    assert_eq!(full.len(), RAW_MAX);
    assert!(check(&full).is_ok());
    let over = signed(&[("x", &"a".repeat(room + 1))]);
    assert_eq!(check(&over), Err(InitDataError::TooLong));
}

#[test]
fn values_are_decoded_exactly_once() {
    // `%2541` is the text `%41`, not `A`; `+` is a space, `%2B` a plus.
    let raw = signed(&[("start_param", "%41 +")]);
    assert_eq!(check(&raw).unwrap().start_param.as_deref(), Some("%41 +"));
    assert_eq!(check(&raw.replace("%20", "+")).unwrap().start_param.as_deref(), Some("%41 +"));
    assert_eq!(check(&raw.replace("%2541", "%41")), Err(InitDataError::HashMismatch));
}

#[test]
fn user_is_read_from_the_signed_bytes() {
    // Escapes and odd spacing survive, as nothing is serialised again before the check.
    let user = "{ \"id\" : 7,\"photo_url\":\"https:\\/\\/t.me\\/i\\/a.svg\",\"first_name\":\"\\u0410 + - ? \\\\\\/\" }";
    let data = check(&signed(&[("user", user)])).unwrap();
    assert_eq!(data.user.first_name, "А + - ? \\/");
    assert_eq!(data.user.photo_url.as_deref(), Some("https://t.me/i/a.svg"));
    let leaky = r#"{"id":7,"photo_url":"https://api.telegram.org/file/bot1:x/p.jpg"}"#;
    assert_eq!(check(&signed(&[("user", leaky)])).unwrap().user.photo_url, None);
}

#[test]
fn user_traps() {
    let missing = sign(&[("auth_date", "1768900000")], &token());
    assert_eq!(check(&missing), Err(InitDataError::UserMissing));
    for (user, wrong) in [
        ("", InitDataError::UserBlank),
        (" ", InitDataError::UserBlank),
        ("null", InitDataError::UserIdInvalid),
        ("[]", InitDataError::UserIdInvalid),
        ("{}", InitDataError::UserIdInvalid),
        ("7", InitDataError::UserIdInvalid),
        (r#"{"id":"7"}"#, InitDataError::UserIdInvalid),
        (r#"{"id":7.0}"#, InitDataError::UserIdInvalid),
        (r#"{"id":0}"#, InitDataError::UserIdInvalid),
        (r#"{"id":-7}"#, InitDataError::UserIdInvalid),
        (r#"{"id":4503599627370496}"#, InitDataError::UserIdInvalid),
        (r#"{"id":7,"id":8}"#, InitDataError::UserMalformed),
        (r#"{"id":7,"x":1,"x":1}"#, InitDataError::UserMalformed),
        (r#"{"id":7"#, InitDataError::UserMalformed),
        (r#"{"id":7}{}"#, InitDataError::UserMalformed),
    ] {
        assert_eq!(check(&signed(&[("user", user)])), Err(wrong), "{user}");
    }
    assert!(check(&signed(&[("user", r#"{"id":4503599627370495}"#)])).is_ok());
    let deep = format!(r#"{{"id":7,"x":{}}}"#, "[".repeat(2000));
    assert_eq!(check(&signed(&[("user", &deep)])), Err(InitDataError::UserMalformed));
}

#[test]
fn chat_fields_are_optional_and_lenient() {
    let raw = signed(&[
        ("chat", r#"{"id":-100123,"type":"supergroup","title":"T","photo_url":"x"}"#),
        ("chat_type", "supergroup"),
        ("chat_instance", "-3788475317572404878"),
    ]);
    let data = check(&raw).unwrap();
    assert_eq!(data.chat.unwrap().id, -100_123);
    assert_eq!(data.chat_type.as_deref(), Some("supergroup"));
    assert!(data.chat_instance.is_some());
    assert_eq!(check(&signed(&[("chat", "oops")])).unwrap().chat, None);
}

#[test]
fn content_is_not_looked_at_before_the_hash() {
    let raw = format!("auth_date=99999999999999999999&user=x&hash={}", "0".repeat(64));
    assert_eq!(check(&raw), Err(InitDataError::HashMismatch));
    let old = format!("auth_date=1&user=x&hash={}", "0".repeat(64));
    assert_eq!(check(&old), Err(InitDataError::HashMismatch));
}

#[test]
fn rotation_accepts_two_keys_and_no_third() {
    let old = BotToken::parse("1000000001:OLD-SYNTHETIC").unwrap();
    let other = BotToken::parse("1000000001:OTHER-SYNTHETIC").unwrap();
    let both = Keys::rotating(Key::from_bot_token(&token()), Key::from_bot_token(&old));
    let fields = [("auth_date", "1768900000"), ("user", USER)];
    let accepts = |keys: &Keys, token: &BotToken| {
        verify(&sign(&fields, token), keys, at(AUTH_DATE), &Rules::default()).is_ok()
    };
    assert!(accepts(&both, &token()) && accepts(&both, &old));
    assert!(!accepts(&both, &other) && !accepts(&keys(), &old));
}

#[test]
fn nothing_prints_a_secret_or_a_name() {
    let printed = format!("{:?} {:?} {:?}", token(), keys(), check(RAW).unwrap());
    for hidden in ["SYNTHETIC", "f0876faf", "test_user", "Test"] {
        assert!(!printed.contains(hidden), "{printed}");
    }
    for error in [InitDataError::HashMismatch, InitDataError::Expired, InitDataError::Malformed] {
        assert!(!error.to_string().contains(HASH));
    }
}

fn fields() -> impl Strategy<Value = Vec<(String, String)>> {
    proptest::collection::btree_map("[a-z_]{1,8}", "[^\n]{0,20}", 0..6).prop_map(|map| {
        let mut fields: Vec<_> = map
            .into_iter()
            .filter(|(key, _)| !matches!(key.as_str(), "hash" | "auth_date" | "user" | "chat"))
            .collect();
        fields.push(("auth_date".to_owned(), AUTH_DATE.to_string()));
        fields.push(("user".to_owned(), USER.to_owned()));
        fields
    })
}

proptest! {
    #[test]
    fn signed_data_verifies_in_any_order(fields in fields().prop_shuffle(), turn in 0_usize..8) {
        let borrowed: Vec<_> = fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let raw = sign(&borrowed, &token());
        let mut parts: Vec<&str> = raw.split('&').collect();
        let turn = turn % parts.len();
        parts.rotate_left(turn);
        prop_assert!(check(&parts.join("&")).is_ok());
    }

    #[test]
    fn any_changed_byte_is_refused(index in 0..RAW.len(), byte in 0x20_u8..0x7f) {
        let mut bytes = RAW.as_bytes().to_vec();
        bytes[index] = byte;
        let changed = String::from_utf8(bytes).unwrap();
        // Another spelling of the same pairs (`%7b` for `%7B`) is the same data.
        let same = sorted_pairs(&changed) == sorted_pairs(RAW);
        prop_assert_eq!(check(&changed).is_ok(), same, "{}", changed);
    }

    #[test]
    fn any_removed_or_inserted_byte_is_refused(index in 0..RAW.len(), byte in 0x20_u8..0x7f) {
        let mut shorter = RAW.to_owned();
        shorter.remove(index);
        prop_assert!(check(&shorter).is_err());
        let mut longer = RAW.to_owned();
        longer.insert(index, char::from(byte));
        prop_assert!(check(&longer).is_err(), "{}", longer);
    }

    #[test]
    fn arbitrary_text_never_panics_nor_passes(raw in "\\PC{0,200}|[a-z=&%0-9+]{0,200}") {
        prop_assert!(check(&raw).is_err());
    }

    #[test]
    fn signed_nonsense_never_panics(auth_date in "\\PC{0,24}|[0-9]{0,24}", user in "\\PC{0,60}") {
        let raw = signed(&[("auth_date", &auth_date), ("user", &user)]);
        let _ = check(&raw);
    }
}

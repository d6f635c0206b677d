//! Traps and properties of input read field by field.

use proptest::prelude::*;
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization as _;

use super::fields::*;
use crate::problem::FieldError;

fn body(value: Value) -> Fields {
    Fields::of_json(value.to_string().as_bytes()).unwrap()
}

fn query(query: &str) -> Fields {
    Fields::of_query(&format!("/list?{query}").parse().unwrap()).unwrap()
}

fn complaints(fields: &Fields) -> Vec<String> {
    fields.complaints.iter().map(FieldError::message).collect()
}

#[test]
fn what_is_not_an_object_is_not_read() {
    for bad in ["", "{", "not json", "[]", "null", "1", "\"a\"", "{}x", "\u{0}"] {
        assert_eq!(Fields::of_json(bad.as_bytes()).unwrap_err().code(), "invalid_json", "{bad}");
    }
    assert_eq!(Fields::of_json(b"{\"a\":\"\xff\"}").unwrap_err().code(), "invalid_json");
    let deep = format!("{}{}", "{\"a\":".repeat(500), "1");
    assert_eq!(Fields::of_json(deep.as_bytes()).unwrap_err().code(), "invalid_json");
}

#[test]
fn texts_are_trimmed_and_counted_in_code_points() {
    let mut fields = body(json!({
        "plain": "  Течёт \u{2009}", "apart": "Е\u{308}ж", "blank": "\u{a0}\u{3000} ", "none": null,
        "lines": "a\n\tb", "number": 5, "nul": "a\u{0}b", "bell": "a\u{7}", "del": "\u{7f}x",
    }));
    assert_eq!(fields.text("plain", 5, 5).as_deref(), Some("Течёт"));
    assert_eq!(fields.text("apart", 2, 2).as_deref(), Some("Ёж"));
    assert_eq!(fields.text("lines", 1, 9).as_deref(), Some("a\n\tb"));
    assert_eq!((fields.text("none", 1, 9), fields.text("absent", 1, 9)), (None, None));
    assert_eq!(fields.complaints, []);
    for (name, complaint) in [
        ("blank", "blank: must be 20 to 1000 characters long"),
        ("number", "number: must be a text"),
        ("nul", "nul: contains a character that is not allowed"),
        ("bell", "bell: contains a character that is not allowed"),
        ("del", "del: contains a character that is not allowed"),
    ] {
        assert_eq!(fields.text(name, 20, 1000), None);
        assert_eq!(complaints(&fields).last().map(String::as_str), Some(complaint));
    }
}

#[test]
fn every_complaint_is_told_once_in_the_order_of_asking() {
    let mut fields = body(json!({ "city": "М", "amount": "ten" }));
    assert_eq!(fields.required_text("description", 20, 1000), "");
    assert_eq!(fields.required_integer("amount", 1..=100), 1);
    fields.text("city", 2, 100);
    fields.complain("city", "There is no such city");
    fields.complain("category", "Category must be one of: a, b");
    assert!(fields.is_refused("city") && !fields.is_refused("contact"));
    assert_eq!(
        complaints(&fields),
        [
            "description: is required",
            "amount: must be an integer from 1 to 100",
            "city: must be 2 to 100 characters long",
            "Category must be one of: a, b",
        ]
    );
    assert_eq!(fields.finish().unwrap_err().code(), "validation_failed");
}

#[test]
fn integers_are_read_from_their_text() {
    for ten in ["10", "\"10\"", "10.0", "\" 10.00 \"", "\"+10\"", "1e1", "\"010\""] {
        let mut fields = Fields::of_json(format!("{{\"n\":{ten}}}").as_bytes()).unwrap();
        assert_eq!(fields.integer("n", 1..=100), Some(10), "{ten}");
    }
    for bad in [
        "10.5",
        "\"10.5\"",
        "true",
        "[]",
        "{}",
        "\"\"",
        "\"ten\"",
        "\"1e1\"",
        "\"10.\"",
        "\".0\"",
        "\"-\"",
        "\"0x10\"",
        "1180591620717411303424",
        "-1180591620717411303424",
        "1e300",
        "101",
        "0",
        "\"1_0\"",
        "\"١٠\"",
    ] {
        let mut fields = Fields::of_json(format!("{{\"n\":{bad}}}").as_bytes()).unwrap();
        assert_eq!(fields.integer("n", 1..=100), None, "{bad}");
        assert_eq!(complaints(&fields), ["n: must be an integer from 1 to 100"], "{bad}");
    }
    assert_eq!(query("n=%2B7&m=-7").integer("n", 0..=9), Some(7));
    assert_eq!(query("n=%2B7&m=-7").integer("m", -9..=9), Some(-7));
}

#[test]
fn flags_are_words_of_either_kind() {
    for (text, read) in [
        ("true", Some(true)),
        ("1", Some(true)),
        ("YES", Some(true)),
        ("on", Some(true)),
        ("False", Some(false)),
        ("0", Some(false)),
        ("no", Some(false)),
        ("off", Some(false)),
        ("", None),
        ("2", None),
        ("y", None),
    ] {
        assert_eq!(query(&format!("f={text}")).flag("f"), read, "{text}");
        assert_eq!(body(json!({ "f": text })).flag("f"), read, "{text}");
    }
    assert_eq!(body(json!({ "f": true, "g": 0 })).flag("f"), Some(true));
    assert_eq!(body(json!({ "f": true, "g": 0 })).flag("g"), Some(false));
    let mut repeated = query("f=1&f=1");
    assert_eq!((repeated.flag("f"), repeated.is_refused("f")), (None, true));
}

#[test]
fn lists_are_bounded_in_number_and_length() {
    let mut fields = body(json!({ "c": [" Москва", "Тверь "], "n": [1], "t": "x" }));
    let two = Some(vec!["Москва".to_owned(), "Тверь".to_owned()]);
    assert_eq!(fields.texts("c", 2, 2, 100), two);
    assert_eq!(query("c=a&c=b").texts("c", 2, 1, 1).unwrap(), ["a", "b"]);
    assert_eq!(query("c=a").texts("c", 2, 1, 1).unwrap(), ["a"]);
    assert_eq!(fields.texts("absent", 2, 2, 100), None);
    assert_eq!(fields.complaints, []);
    assert_eq!(fields.texts("c", 1, 2, 100), None);
    assert_eq!(fields.texts("n", 1, 2, 100), None);
    assert_eq!(fields.texts("t", 1, 1, 100), None, "a body says a list as a list");
    let all = ["c: must have at most 1 entries", "n: must be a text", "t: must be a list of texts"];
    assert_eq!(complaints(&fields), all);
}

proptest! {
    #[test]
    fn any_text_is_clean_or_complained_of(text in "\\PC{0,30}|[\\s\\x00-\\x1f]{0,9}", min in 0_usize..9) {
        let mut fields = body(json!({ "t": text }));
        match fields.text("t", min, 20) {
            Some(clean) => {
                prop_assert!((min..=20).contains(&clean.chars().count()));
                prop_assert_eq!(clean.trim(), &clean);
                prop_assert_eq!(clean.nfc().collect::<String>(), clean);
                prop_assert!(fields.finish().is_ok());
            }
            None => prop_assert_eq!(fields.complaints.len(), 1),
        }
    }

    #[test]
    fn every_integer_reads_as_itself(n: i64) {
        let all = i64::MIN..=i64::MAX;
        prop_assert_eq!(body(json!({ "n": n })).integer("n", all.clone()), Some(n));
        prop_assert_eq!(body(json!({ "n": n.to_string() })).integer("n", all.clone()), Some(n));
        prop_assert_eq!(query(&format!("n={n}.0")).integer("n", all), Some(n));
    }

    #[test]
    fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..60), asked in "[!-~]{0,40}") {
        for fields in [Fields::of_json(&bytes).ok(), format!("/?{asked}").parse().ok().and_then(|uri| Fields::of_query(&uri).ok())] {
            let mut fields = fields.unwrap_or_default();
            let names = ["a", "b"];
            for name in names {
                fields.text(name, 1, 5);
                fields.integer(name, 0..=5);
                fields.flag(name);
                fields.texts(name, 1, 1, 5);
            }
            let _ = fields.finish();
        }
    }
}

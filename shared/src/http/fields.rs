//! Input read field by field, with every complaint told at once.
//!
//! A JSON object or a query is asked for one field after the other; what does not fit is noted, at
//! most once for each field, and [`Fields::finish`] tells all of it in the order of asking. Texts
//! are trimmed of Unicode white space, put into NFC and counted in code points. Unknown fields are
//! ignored, and an explicit null is an absent field.

use std::ops::RangeInclusive;

use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use bytes::Bytes;
use http::request::Parts;
use http::{StatusCode, Uri};
use serde_json::{Map, Value};
use unicode_normalization::UnicodeNormalization as _;

use crate::problem::{FieldError, Problem, Result};

const NOT_ALLOWED: &str = "contains a character that is not allowed";
const REQUIRED: &str = "is required";
const NOT_A_TEXT: &str = "must be a text";

/// The fields of a body or a query, and what was wrong with those that were asked for.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    values: Map<String, Value>,
    complaints: Vec<FieldError>,
}

/// The fields of a JSON body. An extractor.
#[derive(Debug)]
pub struct Body(pub Fields);

/// The fields of the query. An extractor.
#[derive(Debug)]
pub struct Asked(pub Fields);

impl Fields {
    /// The fields of a JSON object; an empty body has none.
    ///
    /// # Errors
    /// 422 `invalid_json` when it is anything but a JSON object.
    pub fn of_json(body: &[u8]) -> Result<Self> {
        if body.is_empty() {
            return Ok(Self::default());
        }
        let unreadable = || {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            Problem::refused(status, "invalid_json", "Request body is not valid JSON")
        };
        match serde_json::from_slice(body) {
            Ok(Value::Object(values)) => Ok(Self { values, complaints: Vec::new() }),
            Ok(_) => Err(unreadable().because("not an object")),
            Err(error) => Err(unreadable().because(error)),
        }
    }

    /// The fields of a query. One that is given more than once reads as a list.
    ///
    /// # Errors
    /// 400 `validation_failed` when the query does not read as a form.
    pub fn of_query(uri: &Uri) -> Result<Self> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|error| Problem::invalid("query", "is not a form").because(error))?;
        let mut values = Map::new();
        for (name, text) in pairs {
            let value = match values.remove(&name) {
                None => Value::String(text),
                Some(Value::Array(mut texts)) => {
                    texts.push(Value::String(text));
                    Value::Array(texts)
                }
                Some(first) => Value::Array(vec![first, Value::String(text)]),
            };
            values.insert(name, value);
        }
        Ok(Self { values, complaints: Vec::new() })
    }

    /// A field as it came; `None` when it is absent or null.
    #[must_use]
    pub fn raw(&self, name: &str) -> Option<&Value> {
        self.values.get(name).filter(|value| !value.is_null())
    }

    /// A text of `min` to `max` code points once it is trimmed.
    pub fn text(&mut self, name: &'static str, min: usize, max: usize) -> Option<String> {
        let read = match self.raw(name)? {
            Value::String(text) => clean(text, min, max),
            _ => Err(NOT_A_TEXT.to_owned()),
        };
        self.noted(name, read)
    }

    /// The same of a field that must be there; empty after a complaint.
    pub fn required_text(&mut self, name: &'static str, min: usize, max: usize) -> String {
        self.require(name);
        self.text(name, min, max).unwrap_or_default()
    }

    /// An integer within `range`. `10`, `"10"` and `10.0` are the same one.
    pub fn integer(&mut self, name: &'static str, range: RangeInclusive<i64>) -> Option<i64> {
        let read = match self.raw(name)? {
            Value::String(text) => integer(text.trim()),
            Value::Number(number) => integer(&number.to_string()),
            _ => None,
        };
        let read = read.filter(|integer| range.contains(integer));
        let bounds = || format!("must be an integer from {} to {}", range.start(), range.end());
        self.noted(name, read.ok_or_else(bounds))
    }

    /// The same of a field that must be there; the least of the range after a complaint.
    pub fn required_integer(&mut self, name: &'static str, range: RangeInclusive<i64>) -> i64 {
        self.require(name);
        let least = *range.start();
        self.integer(name, range).unwrap_or(least)
    }

    /// A truth value: a JSON boolean, or one of `true`, `false`, `1`, `0`, `yes`, `no`, `on`, `off`.
    pub fn flag(&mut self, name: &'static str) -> Option<bool> {
        let read = match self.raw(name)? {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) => flag(text.trim()),
            Value::Number(number) => flag(&number.to_string()),
            _ => None,
        };
        self.noted(name, read.ok_or_else(|| "must be true or false".to_owned()))
    }

    /// A list of at most `most` texts, each of `min` to `max` code points once it is trimmed.
    pub fn texts(
        &mut self,
        name: &'static str,
        most: usize,
        min: usize,
        max: usize,
    ) -> Option<Vec<String>> {
        let clean = |value: &Value| match value {
            Value::String(text) => clean(text, min, max),
            _ => Err(NOT_A_TEXT.to_owned()),
        };
        let read = match self.raw(name)? {
            Value::Array(values) if values.len() > most => {
                Err(format!("must have at most {most} entries"))
            }
            Value::Array(values) => values.iter().map(clean).collect(),
            // A query says a list of one as it says a text.
            Value::String(text) => clean(&Value::String(text.clone())).map(|text| vec![text]),
            _ => Err("must be a list of texts".to_owned()),
        };
        self.noted(name, read)
    }

    /// Complains of a field in a sentence that stands by itself, unless it was complained of.
    pub fn complain(&mut self, name: &'static str, message: impl Into<String>) {
        self.note(FieldError::sentence(name, message.into()));
    }

    /// Was this field complained of?
    #[must_use]
    pub fn is_refused(&self, name: &str) -> bool {
        self.complaints.iter().any(|complaint| complaint.name == name)
    }

    /// Nothing, when nothing was complained of.
    ///
    /// # Errors
    /// `validation_failed` with every complaint, in the order of asking.
    pub fn finish(self) -> Result<()> {
        match self.complaints.is_empty() {
            true => Ok(()),
            false => Err(Problem::invalid_fields(self.complaints)),
        }
    }

    fn require(&mut self, name: &'static str) {
        if self.raw(name).is_none() {
            self.note(FieldError::new(name, REQUIRED));
        }
    }

    fn noted<T>(&mut self, name: &'static str, read: Result<T, String>) -> Option<T> {
        read.map_err(|reason| self.note(FieldError::new(name, reason))).ok()
    }

    fn note(&mut self, complaint: FieldError) {
        if !self.is_refused(&complaint.name) {
            self.complaints.push(complaint);
        }
    }
}

fn clean(text: &str, min: usize, max: usize) -> Result<String, String> {
    let text: String = text.trim().nfc().collect();
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(NOT_ALLOWED.to_owned());
    }
    match (min..=max).contains(&text.chars().count()) {
        true => Ok(text),
        false => Err(format!("must be {min} to {max} characters long")),
    }
}

/// An integer as it is written; a fraction of zeros does not matter.
fn integer(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    let are_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_whole = !fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0');
    if are_digits && is_whole { whole.parse().ok() } else { None }
}

fn flag(text: &str) -> Option<bool> {
    let is = |words: [&str; 4]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is(["true", "1", "yes", "on"]) {
        return Some(true);
    }
    is(["false", "0", "no", "off"]).then_some(false)
}

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        let bytes = Bytes::from_request(request, state).await.map_err(|_| Problem::unreadable())?;
        Fields::of_json(&bytes).map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        Fields::of_query(&parts.uri).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

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
        for bad in ["{", "not json", "[]", "null", "1", "\"a\"", "{}x", "\u{0}"] {
            assert_eq!(
                Fields::of_json(bad.as_bytes()).unwrap_err().code(),
                "invalid_json",
                "{bad}"
            );
        }
        assert_eq!(Fields::of_json(b"{\"a\":\"\xff\"}").unwrap_err().code(), "invalid_json");
        let deep = format!("{}{}", "{\"a\":".repeat(500), "1");
        assert_eq!(Fields::of_json(deep.as_bytes()).unwrap_err().code(), "invalid_json");
        assert!(Fields::of_json(b"").unwrap().finish().is_ok());
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
        assert_eq!(complaints(&fields), ["c: must have at most 1 entries", "n: must be a text"]);
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
}

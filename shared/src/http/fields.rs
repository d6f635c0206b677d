//! Input read field by field, with every complaint told at once.
//!
//! A JSON object or a query is asked for one field after the other; what does not fit is noted, at
//! most once for each field, and [`Fields::finish`] tells all of it in the order of asking. Texts
//! are trimmed of Unicode white space, put into NFC and counted in code points. Unknown fields are
//! ignored, and an explicit null is an absent field.

use std::ops::RangeInclusive;

use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequest, Query, Request};
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
    /// Was it a query, which says a list of one as it says a text?
    asked: bool,
    pub(super) complaints: Vec<FieldError>,
}

/// The fields of a JSON body. An extractor.
#[derive(Debug)]
pub struct Body(pub Fields);

/// The fields of the query. An extractor.
#[derive(Debug)]
pub struct Asked(pub Fields);

impl Fields {
    /// The fields of a JSON object.
    ///
    /// # Errors
    /// 422 `invalid_json` when it is anything else, also nothing.
    pub fn of_json(body: &[u8]) -> Result<Self> {
        let unreadable = || {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            Problem::refused(status, "invalid_json", "Request body is not valid JSON")
        };
        match serde_json::from_slice(body) {
            Ok(Value::Object(values)) => Ok(Self { values, ..Self::default() }),
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
        Ok(Self { values, asked: true, ..Self::default() })
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
            Value::String(text) if self.asked => {
                clean(&Value::String(text.clone())).map(|text| vec![text])
            }
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
    if !are_digits || !is_whole {
        return None;
    }
    // Beyond what is stored is beyond every range.
    let beyond = if whole.starts_with('-') { i64::MIN } else { i64::MAX };
    Some(whole.parse().unwrap_or(beyond))
}

fn flag(text: &str) -> Option<bool> {
    let is = |words: [&str; 4]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is(["true", "1", "yes", "on"]) {
        return Some(true);
    }
    is(["false", "0", "no", "off"]).then_some(false)
}

impl From<Map<String, Value>> for Fields {
    fn from(values: Map<String, Value>) -> Self {
        Self { values, ..Self::default() }
    }
}

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        let bytes = Bytes::from_request(request, state).await.map_err(|_| Problem::unreadable())?;
        Fields::of_json(&bytes).map(Self)
    }
}

impl<S: Send + Sync> OptionalFromRequest<S> for Body {
    type Rejection = Problem;

    /// `None` where there is no body: of fields that may all be absent.
    async fn from_request(request: Request, state: &S) -> Result<Option<Self>> {
        let bytes = Bytes::from_request(request, state).await.map_err(|_| Problem::unreadable())?;
        if bytes.is_empty() {
            return Ok(None);
        }
        Fields::of_json(&bytes).map(|fields| Some(Self(fields)))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        Fields::of_query(&parts.uri).map(Self)
    }
}

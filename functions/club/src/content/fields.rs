//! How what administrators write is read: every field, with every complaint told at once.

use http::Uri;
use serde::de::DeserializeOwned;
use serde_json::Value;
use shared::http::Fields;
use shared::problem::{Problem, Result};

use super::model::{Attachment, Audio};

/// Characters of an address.
const URL_MAX: usize = 1_024;
/// Entries of a list within an entity.
const LIST_MAX: usize = 30;
/// Characters of a name.
pub const TITLE_MAX: usize = 200;
/// Numbers that order lists.
pub const ORDER_MAX: i64 = 1_000_000;

/// The fields that an administrator sent, to be asked for one by one.
///
/// # Errors
/// 400 when they are no object.
pub fn fields_of(fields: &Value) -> Result<Fields> {
    match fields {
        Value::Object(values) => Ok(values.clone().into()),
        _ => Err(Problem::invalid("body", "wrong shape")),
    }
}

/// Can this be the id of something that administrators write? 1 to 64 of `[A-Za-z0-9_-]`.
#[must_use]
pub fn is_id(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(fits)
}

/// An id that must be there; empty after a complaint.
pub fn id(fields: &mut Fields, name: &'static str) -> String {
    let id = fields.required_text(name, 1, 64);
    if !fields.is_refused(name) && !is_id(&id) {
        fields.complain(name, "must be 1 to 64 of A-Z a-z 0-9 _ -");
    }
    id
}

/// A text that may be absent; an empty one is.
pub fn text(fields: &mut Fields, name: &'static str, max: usize) -> Option<String> {
    fields.text(name, 0, max).filter(|text| !text.is_empty())
}

/// An https address that may be absent.
pub fn url(fields: &mut Fields, name: &'static str) -> Option<String> {
    let text = text(fields, name, URL_MAX)?;
    if !is_shown(&text) {
        fields.complain(name, "must be an https address");
    }
    Some(text)
}

/// Is this an address that members may be sent to? Those of the Bot API hold a token.
fn is_shown(text: &str) -> bool {
    let uri: Option<Uri> = text.parse().ok();
    uri.is_some_and(|uri| {
        let host = uri.host().unwrap_or_default();
        let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        uri.scheme_str() == Some("https")
            && !host.is_empty()
            && !has_user
            && !host.eq_ignore_ascii_case("api.telegram.org")
    })
}

/// An unsigned integer up to `max`; 0 where it is absent.
pub fn order(fields: &mut Fields, name: &'static str, max: i64) -> u32 {
    number(fields, name, 0, max).unwrap_or_default()
}

/// An unsigned integer that may be absent.
pub fn number(fields: &mut Fields, name: &'static str, min: i64, max: i64) -> Option<u32> {
    fields.integer(name, min..=max).and_then(|number| u32::try_from(number).ok())
}

/// One of the names of `T`; `says` lists them. `None` where it is absent.
pub fn choice<T: DeserializeOwned>(
    fields: &mut Fields,
    name: &'static str,
    says: &'static str,
) -> Option<T> {
    let read = serde_json::from_value(fields.raw(name)?.clone()).ok();
    if read.is_none() {
        fields.complain(name, says);
    }
    read
}

/// The same of a field that must be there.
pub fn required_choice<T: DeserializeOwned>(
    fields: &mut Fields,
    name: &'static str,
    says: &'static str,
) -> Option<T> {
    if fields.raw(name).is_none() {
        fields.complain(name, "is required");
    }
    choice(fields, name, says)
}

/// What [`required_choice`] has read, once nothing was complained of.
///
/// # Errors
/// 400 when it was not there after all.
pub fn there<T>(read: Option<T>, name: &'static str) -> Result<T> {
    read.ok_or_else(|| Problem::invalid(name, "is required"))
}

/// What comes with a day of a course.
pub(super) fn attachments(fields: &mut Fields, name: &'static str) -> Vec<Attachment> {
    list(fields, name, |entry| {
        let (title, url) = titled(entry)?;
        let kind = short(entry.raw("type").cloned(), 32)?;
        Some(Attachment { title, url, r#type: kind })
    })
}

/// The recordings of a series.
pub(super) fn recordings(fields: &mut Fields, name: &'static str) -> Vec<Audio> {
    list(fields, name, |entry| titled(entry).map(|(title, url)| Audio { title, url }))
}

fn list<T>(fields: &mut Fields, name: &'static str, read: impl Fn(&Fields) -> Option<T>) -> Vec<T> {
    let entries = match fields.raw(name) {
        None => return Vec::new(),
        Some(Value::Array(entries)) if entries.len() <= LIST_MAX => entries.clone(),
        Some(_) => Vec::from([Value::Null]),
    };
    let entries = entries.iter().map(|entry| read(&fields_of(entry).ok()?));
    let entries: Option<Vec<T>> = entries.collect();
    if entries.is_none() {
        fields.complain(name, "must be a list of at most 30 entries with title and https url");
    }
    entries.unwrap_or_default()
}

fn titled(entry: &Fields) -> Option<(String, String)> {
    let title = short(entry.raw("title").cloned(), TITLE_MAX)?;
    let url = short(entry.raw("url").cloned(), URL_MAX).filter(|url| is_shown(url))?;
    Some((title, url))
}

fn short(value: Option<Value>, max: usize) -> Option<String> {
    let Some(Value::String(text)) = value else { return None };
    let text = text.trim().to_owned();
    (1..=max).contains(&text.chars().count()).then_some(text)
}

/// A month, as `2026-01`, that may be absent.
pub(super) fn month(fields: &mut Fields, name: &'static str) -> Option<String> {
    let month = text(fields, name, 7)?;
    if !is_month(&month) {
        fields.complain(name, "must be a month, such as 2026-01");
    }
    Some(month)
}

/// Is this a month, as `2026-01`?
#[must_use]
pub fn is_month(text: &str) -> bool {
    let Some((year, month)) = text.split_once('-') else { return false };
    let digits = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    digits(year, 4)
        && digits(month, 2)
        && month.parse().is_ok_and(|month: u32| (1..=12).contains(&month))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_members_may_be_sent_to() {
        for good in ["https://example.com", "https://example.com:8443/a?b=c#d"] {
            assert!(is_shown(good), "{good}");
        }
        for bad in [
            "http://example.com",
            "example.com",
            "https://",
            "https:///a",
            "javascript:alert(1)",
            "https://user@example.com",
            "https://API.telegram.org/bot1:x/getFile",
            "https://exa mple.com",
        ] {
            assert!(!is_shown(bad), "{bad}");
        }
    }

    #[test]
    fn ids_and_months() {
        assert!(is_id("a") && is_id("A-z_9") && is_id(&"x".repeat(64)));
        for bad in ["", "a b", "a/b", "ы", "a.b", "a#b", &"x".repeat(65)] {
            assert!(!is_id(bad), "{bad}");
        }
        assert!(is_month("2026-01") && is_month("2026-12"));
        for bad in ["2026-00", "2026-13", "2026-1", "26-01", "2026-+1", "202601", "2026-01-01"] {
            assert!(!is_month(bad), "{bad}");
        }
    }
}

//! Pages of a query, and the cursors that lead from one to the next.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::{Entity, Item, StoreError};
use crate::problem::Problem;
use crate::settings::Secret;

/// One page of one partition, of the table or of an index.
#[derive(Clone, Debug)]
pub struct Query {
    index: Option<&'static str>,
    partition: (&'static str, String),
    range: Option<(String, BTreeMap<String, String>)>,
    sort: &'static str,
    descending: bool,
    limit: Option<i32>,
    start: Option<HashMap<String, AttributeValue>>,
    consistent: bool,
}

impl Query {
    /// The items of a partition of the table, in the order of their sort keys, strongly
    /// consistent.
    #[must_use]
    pub fn partition(pk: impl Into<String>) -> Self {
        Self {
            index: None,
            partition: ("pk", pk.into()),
            range: None,
            sort: "sk",
            descending: false,
            limit: None,
            start: None,
            consistent: true,
        }
    }

    /// The items of a partition of a local index: strongly consistent, another order.
    #[must_use]
    pub fn local_index(index: &'static str, pk: impl Into<String>, sort: &'static str) -> Self {
        Self { index: Some(index), sort, ..Self::partition(pk) }
    }

    /// The items of a partition of a global index: eventually consistent, so never a basis for a
    /// decision without a condition on the item itself.
    #[must_use]
    pub fn global_index(
        index: &'static str,
        partition: (&'static str, String),
        sort: &'static str,
    ) -> Self {
        let base = Self::partition("");
        Self { index: Some(index), partition, sort, consistent: false, ..base }
    }

    /// Only sort keys that begin with `prefix`.
    #[must_use]
    pub fn beginning_with(mut self, prefix: impl Into<String>) -> Self {
        let values = BTreeMap::from([(":from".to_owned(), prefix.into())]);
        self.range = Some(("begins_with(#sort, :from)".to_owned(), values));
        self
    }

    /// Only sort keys up to and with `last`.
    #[must_use]
    pub fn up_to(mut self, last: impl Into<String>) -> Self {
        let values = BTreeMap::from([(":to".to_owned(), last.into())]);
        self.range = Some(("#sort <= :to".to_owned(), values));
        self
    }

    /// Only sort keys from `first` on.
    #[must_use]
    pub fn at_least(mut self, first: impl Into<String>) -> Self {
        let values = BTreeMap::from([(":from".to_owned(), first.into())]);
        self.range = Some(("#sort >= :from".to_owned(), values));
        self
    }

    /// Only sort keys from `first` up to and with `last`. There are none when `last` is less.
    #[must_use]
    pub fn between(mut self, first: impl Into<String>, last: impl Into<String>) -> Self {
        let values =
            BTreeMap::from([(":from".to_owned(), first.into()), (":to".to_owned(), last.into())]);
        self.range = Some(("#sort BETWEEN :from AND :to".to_owned(), values));
        self
    }

    /// Last sort key first.
    #[must_use]
    pub fn descending(mut self) -> Self {
        self.descending = true;
        self
    }

    /// At most `limit` items.
    #[must_use]
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = Some(i32::try_from(limit).unwrap_or(i32::MAX));
        self
    }

    /// From where `cursor` points.
    #[must_use]
    pub fn after(mut self, cursor: Option<Cursor>) -> Self {
        self.start = cursor.map(|cursor| {
            cursor.0.into_iter().map(|(name, value)| (name, AttributeValue::S(value))).collect()
        });
        self
    }

    pub(super) fn request(&self, builder: QueryFluentBuilder) -> QueryFluentBuilder {
        let mut condition = "#partition = :partition".to_owned();
        let mut builder = builder
            .set_index_name(self.index.map(str::to_owned))
            .expression_attribute_names("#partition", self.partition.0)
            .expression_attribute_values(":partition", AttributeValue::S(self.partition.1.clone()))
            .consistent_read(self.consistent)
            .scan_index_forward(!self.descending)
            .set_limit(self.limit)
            .set_exclusive_start_key(self.start.clone());
        if let Some((range, values)) = &self.range {
            condition.push_str(" AND ");
            condition.push_str(range);
            builder = builder.expression_attribute_names("#sort", self.sort);
            for (placeholder, value) in values {
                let value = AttributeValue::S(value.clone());
                builder = builder.expression_attribute_values(placeholder, value);
            }
        }
        builder.key_condition_expression(condition)
    }
}

/// One page of items.
#[derive(Debug)]
pub struct Page {
    /// The items, in order.
    pub items: Vec<Item>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<Cursor>,
}

impl Page {
    pub(super) fn new(items: Vec<Item>, last: Option<HashMap<String, AttributeValue>>) -> Self {
        let next = last.map(|key| {
            let text = |value: AttributeValue| value.as_s().cloned().unwrap_or_default();
            Cursor(key.into_iter().map(|(name, value)| (name, text(value))).collect())
        });
        Self { items, next }
    }

    /// The items read as `E`s.
    ///
    /// # Errors
    /// [`StoreError`] when one of them is something else.
    pub fn read<E: Entity>(&self) -> Result<Vec<E>, StoreError> {
        self.items.iter().map(Item::read).collect()
    }
}

/// The key of the last item of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(BTreeMap<String, String>);

/// The text is not a cursor of this list and this caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this list")]
pub struct CursorError;

const MAC_BYTES: usize = 16;

impl Cursor {
    /// A cursor that a job keeps for itself, unsigned.
    #[must_use]
    pub fn stored(&self) -> BTreeMap<String, String> {
        self.0.clone()
    }

    /// A cursor that a job kept for itself.
    #[must_use]
    pub fn restore(stored: BTreeMap<String, String>) -> Self {
        Self(stored)
    }

    /// The cursor as a text for a caller: opaque, and good only under the same `scope`, which
    /// names function, filters and subject.
    #[must_use]
    pub fn seal(&self, secret: &Secret, scope: &[&str]) -> String {
        let key = serde_json::to_vec(&self.0).unwrap_or_default();
        let mut sealed = mac(secret, scope, &key);
        sealed.extend(key);
        URL_SAFE_NO_PAD.encode(sealed)
    }

    /// Reads a caller's cursor.
    ///
    /// # Errors
    /// [`CursorError`] when it was not sealed by us under the same scope.
    pub fn open(text: &str, secret: &Secret, scope: &[&str]) -> Result<Self, CursorError> {
        use subtle::ConstantTimeEq as _;
        let sealed = URL_SAFE_NO_PAD.decode(text).map_err(|_| CursorError)?;
        let (tag, key) = sealed.split_at_checked(MAC_BYTES).ok_or(CursorError)?;
        if !bool::from(mac(secret, scope, key).ct_eq(tag)) {
            return Err(CursorError);
        }
        serde_json::from_slice(key).map(Self).map_err(|_| CursorError)
    }
}

fn mac(secret: &Secret, scope: &[&str], key: &[u8]) -> Vec<u8> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) else {
        return Vec::new(); // HMAC takes keys of any length
    };
    mac.update(b"cursor");
    for part in scope {
        // Lengths first, so that no two scopes read the same.
        mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        mac.update(part.as_bytes());
    }
    mac.update(key);
    let mut tag = mac.finalize().into_bytes().to_vec();
    tag.truncate(MAC_BYTES);
    tag
}

impl From<CursorError> for Problem {
    fn from(_: CursorError) -> Self {
        Self::invalid("cursor", "not a cursor of this list")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cursor() -> Cursor {
        Cursor(BTreeMap::from([("pk".into(), "MEMBER#1".into()), ("sk".into(), "x".into())]))
    }

    #[test]
    fn a_cursor_is_bound_to_its_scope() {
        let secret = Secret::new("0123456789abcdef0123456789abcdef");
        let sealed = cursor().seal(&secret, &["history", "1"]);
        assert_eq!(Cursor::open(&sealed, &secret, &["history", "1"]), Ok(cursor()));
        assert_eq!(Cursor::open(&sealed, &secret, &["history", "2"]), Err(CursorError));
        assert_eq!(Cursor::open(&sealed, &secret, &["history1", ""]), Err(CursorError));
        assert_eq!(
            Cursor::open(&sealed, &Secret::new("other"), &["history", "1"]),
            Err(CursorError)
        );
    }

    proptest! {
        #[test]
        fn no_text_panics_or_passes(text in ".*") {
            let secret = Secret::new("0123456789abcdef0123456789abcdef");
            prop_assert_eq!(Cursor::open(&text, &secret, &["history", "1"]), Err(CursorError));
        }

        #[test]
        fn a_changed_byte_is_refused(at in 0_usize..40, flip in 1_u8..) {
            let secret = Secret::new("0123456789abcdef0123456789abcdef");
            let sealed = cursor().seal(&secret, &["history"]);
            let mut bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
            let at = at % bytes.len();
            bytes[at] ^= flip;
            let forged = URL_SAFE_NO_PAD.encode(bytes);
            prop_assert_eq!(Cursor::open(&forged, &secret, &["history"]), Err(CursorError));
        }
    }
}

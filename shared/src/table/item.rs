//! Items and their keys.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{StoreError, TTL_ATTRIBUTE};
use crate::clock::Instant;

/// The primary key of an item.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

impl Key {
    /// A key from its parts. Only an entity's own key function should call this.
    #[must_use]
    pub fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }

    pub(super) fn attributes(&self) -> HashMap<String, AttributeValue> {
        HashMap::from([
            ("pk".to_owned(), AttributeValue::S(self.pk.clone())),
            ("sk".to_owned(), AttributeValue::S(self.sk.clone())),
        ])
    }
}

/// Something stored as one item.
pub trait Entity: Serialize + DeserializeOwned {
    /// The value of the attribute `kind`, by which streams are filtered.
    const KIND: &'static str;

    /// Where it is stored.
    fn key(&self) -> Key;

    /// Index attributes, each only on items that belong into that index.
    fn index(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// When DynamoDB may delete it. It may stay for days longer: readers compare instants.
    fn expires_at(&self) -> Option<Instant> {
        None
    }
}

/// An item as it stands in the table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Item(pub HashMap<String, AttributeValue>);

impl Item {
    /// The item of an entity. Absent optional fields are absent attributes.
    ///
    /// # Errors
    /// [`StoreError`] when the entity does not serialise to a map.
    pub fn of<E: Entity>(entity: &E) -> Result<Self, StoreError> {
        let mut item: HashMap<String, AttributeValue> =
            serde_dynamo::to_item(entity).map_err(StoreError::encoding)?;
        item.retain(|_, value| !value.is_null());
        item.extend(entity.key().attributes());
        item.insert("kind".to_owned(), AttributeValue::S(E::KIND.to_owned()));
        for (name, value) in entity.index() {
            item.insert(name.to_owned(), AttributeValue::S(value));
        }
        if let Some(instant) = entity.expires_at() {
            let seconds = AttributeValue::N(instant.seconds().to_string());
            item.insert(TTL_ATTRIBUTE.to_owned(), seconds);
        }
        Ok(Self(item))
    }

    /// Reads the item as an `E`.
    ///
    /// # Errors
    /// [`StoreError`] when it is something else.
    pub fn read<E: Entity>(&self) -> Result<E, StoreError> {
        if self.text("kind") != Some(E::KIND) {
            return Err(StoreError::encoding(format_args!("not a {}", E::KIND)));
        }
        serde_dynamo::from_item(self.0.clone()).map_err(StoreError::encoding)
    }

    /// The item's primary key.
    #[must_use]
    pub fn key(&self) -> Option<Key> {
        Some(Key::new(self.text("pk")?, self.text("sk")?))
    }

    /// A string attribute.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(|value| value.as_s().ok()).map(String::as_str)
    }

    /// An integer attribute.
    #[must_use]
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.0.get(name).and_then(|value| value.as_n().ok()).and_then(|n| n.parse().ok())
    }
}

/// The items of one batch read, by key.
#[derive(Debug, Default)]
pub struct Rows(HashMap<Key, Item>);

impl Rows {
    pub(super) fn extend(&mut self, items: impl Iterator<Item = HashMap<String, AttributeValue>>) {
        self.0.extend(items.map(Item).filter_map(|item| item.key().map(|key| (key, item))));
    }

    /// The item at `key` read as an `E`, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] when it is something else.
    pub fn get<E: Entity>(&self, key: &Key) -> Result<Option<E>, StoreError> {
        self.0.get(key).map(Item::read).transpose()
    }

    /// Every item that was found.
    pub fn iter(&self) -> impl Iterator<Item = &Item> {
        self.0.values()
    }
}

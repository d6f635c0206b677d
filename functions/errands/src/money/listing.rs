//! The ledger, page by page, newest first.

use std::collections::BTreeMap;

use serde::Serialize;
use shared::clock::Instant;
use shared::problem::Result;
use shared::settings::Secret;
use shared::table::{Cursor, CursorError, Entity as _, Query, Table};
use utoipa::ToSchema;

use super::{Entry, Kind, Kopecks};
use crate::users::user_key;

/// One line of the ledger, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Transaction {
    id: i64,
    #[serde(rename = "type")]
    kind: &'static str,
    /// Rubles, below 0 for what was taken.
    amount: i64,
    /// Rubles.
    balance_after: i64,
    order_id: Option<String>,
    payment_method: Option<String>,
    description: Option<String>,
    #[serde(with = "shared::clock::micros")]
    #[schema(value_type = String, format = "date-time")]
    created_at: Instant,
}

impl From<Entry> for Transaction {
    fn from(entry: Entry) -> Self {
        Self {
            id: entry.id,
            kind: entry.entry.name(),
            amount: Kopecks(entry.amount).rubles(),
            balance_after: Kopecks(entry.balance_after).rubles(),
            order_id: entry.order_id,
            payment_method: entry.payment_method,
            description: entry.description,
            created_at: entry.created_at,
        }
    }
}

/// Which page is wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Whose ledger.
    pub user_id: i64,
    /// Only these.
    pub kind: Option<Kind>,
    /// How many lines at most.
    pub limit: u32,
    /// What the page before ended with.
    pub cursor: Option<String>,
}

/// One page of a ledger.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Page {
    transactions: Vec<Transaction>,
    /// Leads to the next page; null after the last.
    next_cursor: Option<String>,
}

/// Why there is no page.
#[derive(Debug)]
pub enum NoPage {
    /// The cursor is another caller's, another filter's or nobody's.
    Cursor,
    /// The store does not answer.
    Store(shared::problem::Problem),
}

impl Wanted {
    fn index(&self) -> (&'static str, &'static str, String) {
        match self.kind {
            None => ("listed", "listed_at", "LEDGER#".to_owned()),
            Some(kind) => ("filtered", "filtered_at", format!("LEDGER#{}#", kind.name())),
        }
    }

    /// Reads the page. One query.
    ///
    /// # Errors
    /// [`NoPage`].
    pub async fn read(&self, table: &Table, secret: &Secret) -> Result<Page, NoPage> {
        let user = self.user_id.to_string();
        let kind = self.kind.map_or("", Kind::name);
        let scope = ["balance-transactions", kind, &user];
        let cursor = self.cursor.as_deref().map(|text| Cursor::open(text, secret, &scope));
        let cursor = cursor.transpose().map_err(|_: CursorError| NoPage::Cursor)?;
        let (index, sort, prefix) = self.index();
        let query = Query::local_index(index, user_key(self.user_id).pk, sort)
            .beginning_with(prefix)
            .descending()
            // One more tells whether there is a next page.
            .limit(self.limit.saturating_add(1))
            .after(cursor);
        let page = table.query(&query).await.map_err(|error| NoPage::Store(error.into()))?;
        let entries = page.read::<Entry>().map_err(|error| NoPage::Store(error.into()))?;
        let most = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let last = entries.get(most.saturating_sub(1)).filter(|_| entries.len() > most);
        // Fewer than wanted, and yet more to come: lines as long as a page of the table.
        let next = last.map(|entry| at(entry, sort)).or(page.next);
        Ok(Page {
            next_cursor: next.map(|cursor| cursor.seal(secret, &scope)),
            transactions: entries.into_iter().take(most).map(Transaction::from).collect(),
        })
    }
}

/// The place of a line in its index.
fn at(entry: &Entry, sort: &'static str) -> Cursor {
    let key = entry.key();
    let index = entry.index().into_iter().find(|(name, _)| *name == sort);
    let mut place = BTreeMap::from([("pk".to_owned(), key.pk), ("sk".to_owned(), key.sk)]);
    place.extend(index.map(|(name, value)| (name.to_owned(), value)));
    Cursor::restore(place)
}

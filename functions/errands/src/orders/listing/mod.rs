//! `GET /api/orders`: everybody's feeds, and one's own lists.
//!
//! A page of a feed is one Query of one index partition, whatever the size of the table: by
//! status, by city, by category, or by both. The first page meets the shards of the feed's counter
//! on the way, so that it knows the total at no cost; later pages carry it in their cursor. First
//! pages that a crowd asks for are read some times a second, however large the crowd. A page
//! of one's own orders, or of those one has taken, is one Query of one's own partition and a batch
//! read of the orders that it names.

mod api;
mod feed;
mod hot;
mod own;
mod wanted;

#[cfg(test)]
mod tests;

pub use api::list;
pub use hot::HotPages;

use shared::settings::Secret;
use shared::table::Cursor;

use super::OrderView;

/// A page of orders.
#[derive(Debug, Default)]
struct Page {
    orders: Vec<OrderView>,
    total: i64,
    /// What the next page follows; `None` after the last.
    next: Option<Place>,
}

/// Where a page ended.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    /// The `feed_at` of the last order that was looked at.
    at: String,
    /// What the pages before know of the total: of a feed the total, of an own list the orders
    /// that matched so far.
    known: i64,
}

impl Place {
    /// The place as a cursor that is good under `scope` alone.
    fn seal(&self, scope: &[&str], secret: &Secret) -> String {
        let kept = [("at", self.at.clone()), ("known", self.known.to_string())];
        let kept = kept.map(|(name, value)| (name.to_owned(), value));
        Cursor::restore(kept.into()).seal(secret, scope)
    }

    /// Where a cursor leads; `None` when it was not sealed under this scope.
    fn open(text: &str, scope: &[&str], secret: &Secret) -> Option<Self> {
        let kept = Cursor::open(text, secret, scope).ok()?.stored();
        Some(Self { at: kept.get("at")?.clone(), known: kept.get("known")?.parse().ok()? })
    }
}

/// Which of the entries of a page are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Slice {
    offset: usize,
    limit: usize,
    after: Option<Place>,
}

impl Slice {
    /// The entries to be looked at.
    fn reach(&self) -> usize {
        self.offset.saturating_add(self.limit)
    }

    /// How many entries to ask for: one more than is looked at tells whether there are more, and
    /// `beside` are met that are none.
    fn asks(&self, beside: usize) -> u32 {
        // The place that a cursor names is met again.
        let again = usize::from(self.after.is_some());
        let entries = self.reach().saturating_add(1).saturating_add(again).saturating_add(beside);
        u32::try_from(entries).unwrap_or(u32::MAX)
    }
}

//! Where the audit is among all users, orders and payments.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::lease::Lease;
use shared::problem::Result;
use shared::table::{Cursor, Entity, Item, Key, Query, Table, Write};

use crate::orders::Order;
use crate::payments::Payment;
use crate::{orders, payments, users};

/// Subjects of one page.
const PAGE: u32 = 100;

/// What is audited, in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// Users.
    #[default]
    Users,
    /// Orders.
    Orders,
    /// Payments.
    Payments,
}

impl Kind {
    fn partition(self, shard: u64) -> String {
        match self {
            Self::Users => format!("USER#{shard}"),
            Self::Orders => Order::due_shard(shard),
            Self::Payments => Payment::partition(shard),
        }
    }

    fn shards(self) -> u64 {
        match self {
            Self::Users => users::REGISTRY_SHARDS,
            Self::Orders => orders::DUE_SHARDS,
            Self::Payments => payments::SHARDS,
        }
    }

    fn next(self) -> Option<Self> {
        match self {
            Self::Users => Some(Self::Orders),
            Self::Orders => Some(Self::Payments),
            Self::Payments => None,
        }
    }
}

/// How far an audit has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// What is audited.
    pub(super) among: Kind,
    /// In which partition of the registry.
    shard: u64,
    /// After which subject of it; none yet when absent.
    after: Option<BTreeMap<String, String>>,
}

impl Place {
    fn key_of() -> Key {
        Key::new("JOB#errands_audit", "PLACE")
    }

    /// Is nothing audited yet?
    pub(super) fn is_beginning(&self) -> bool {
        *self == Self::default()
    }

    /// Behind this partition; nowhere behind the last.
    fn next_shard(&self) -> Option<Self> {
        let shard = self.shard.saturating_add(1);
        if shard < self.among.shards() {
            return Some(Self { among: self.among, shard, after: None });
        }
        self.among.next().map(|among| Self { among, shard: 0, after: None })
    }
}

impl Entity for Place {
    const KIND: &'static str = "AuditPlace";

    fn key(&self) -> Key {
        Self::key_of()
    }
}

/// Where the last run stopped. One read.
pub(super) async fn place(table: &Table) -> Result<Place> {
    Ok(table.get(&Place::key_of()).await?.unwrap_or_default())
}

/// Keeps where this run stopped, unless it was overtaken. One transaction.
pub(super) async fn keep_place(table: &Table, place: &Place, lease: &Lease) -> Result<()> {
    Ok(table.transact(vec![lease.fence(), Write::put("place", place)]).await?)
}

/// The keys of some subjects at `place`, and where to go on; nowhere after the last. One query.
/// The index may lag: what is missed is seen by the next audit.
pub(super) async fn page(table: &Table, place: &Place) -> Result<(Vec<Key>, Option<Place>)> {
    let partition = ("registry_pk", place.among.partition(place.shard));
    let query = Query::global_index("registry", partition, "pk").limit(PAGE);
    let page = table.query(&query.after(place.after.clone().map(Cursor::restore))).await?;
    let next = match page.next {
        Some(cursor) => Some(Place { after: Some(cursor.stored()), ..place.clone() }),
        None => place.next_shard(),
    };
    Ok((page.items.iter().filter_map(Item::key).collect(), next))
}

//! Items, purchases, tickets and draws in the table.

use shared::clock::Instant;
use shared::problem::Result;
use shared::table::{Cursor, Entity, Key, Query, Table, Write};

use super::model::{Bought, Purchase, PurchaseStatus, ShopItem};
use super::raffle::{Draw, Ticket};
use crate::auth::{self, Member, member_key};
use crate::energies::Outgo;
use crate::subscriptions::{SubscriptionEvent, extended, set_expiry};
use crate::tags::{self, Tag};

/// The partition of all items: one query is the catalogue.
const CATALOGUE: &str = "SHOP";
/// What the sort keys of a member's purchases begin with.
const PURCHASES: &str = "PURCHASE#";
/// What the sort keys of a raffle's tickets begin with.
const TICKETS: &str = "TICKET#";
/// Purchases of one read.
const PAGE: u32 = 200;

impl ShopItem {
    /// Where the item of this id is.
    #[must_use]
    pub fn key_of(id: &str) -> Key {
        Key::new(CATALOGUE, format!("ITEM#{id}"))
    }
}

impl Entity for ShopItem {
    const KIND: &'static str = "ShopItem";

    fn key(&self) -> Key {
        Self::key_of(&self.id)
    }
}

impl Purchase {
    /// Where the purchase of this id is: beside its member.
    #[must_use]
    pub fn key_of(tg_id: i64, id: &str) -> Key {
        Key::new(member_key(tg_id).pk, format!("{PURCHASES}{id}"))
    }
}

impl Entity for Purchase {
    const KIND: &'static str = "Purchase";

    fn key(&self) -> Key {
        Self::key_of(self.tg_id, &self.id)
    }
}

impl Bought {
    /// Where it is told what the member has bought of an item.
    #[must_use]
    pub fn key_of(tg_id: i64, item_id: &str) -> Key {
        Key::new(member_key(tg_id).pk, format!("BOUGHT#{item_id}"))
    }
}

impl Entity for Bought {
    const KIND: &'static str = "Bought";

    fn key(&self) -> Key {
        Self::key_of(self.tg_id, &self.item_id)
    }
}

fn raffle(item_id: &str) -> String {
    format!("RAFFLE#{item_id}")
}

impl Entity for Ticket {
    const KIND: &'static str = "RaffleTicket";

    fn key(&self) -> Key {
        Key::new(raffle(&self.item_id), format!("{TICKETS}{:010}", self.number))
    }
}

impl Draw {
    /// Where the draw of this item's raffle is.
    #[must_use]
    pub fn key_of(item_id: &str) -> Key {
        Key::new(raffle(item_id), "DRAW")
    }
}

impl Entity for Draw {
    const KIND: &'static str = "RaffleDraw";

    fn key(&self) -> Key {
        Self::key_of(&self.item_id)
    }
}

/// The version of the catalogue. One read.
pub(super) async fn version(table: &Table) -> Result<String> {
    let tag = Tag::Shop;
    Ok(tag.version(&table.batch(&[tag.key()]).await?)?)
}

/// Everything that is on sale, in the order of lists. One query for each megabyte.
pub(super) async fn on_sale(table: &Table) -> Result<Vec<ShopItem>> {
    let mut items: Vec<ShopItem> = table.query_all(&Query::partition(CATALOGUE)).await?.read()?;
    items.retain(ShopItem::is_sold);
    items.sort_by(|one, other| {
        let place = |item: &ShopItem| (item.goods.sort_order, item.created_at);
        place(one).cmp(&place(other)).then_with(|| one.id.cmp(&other.id))
    });
    Ok(items)
}

/// One page of a member's purchases, newest first. One query.
pub(super) async fn page(
    table: &Table,
    tg_id: i64,
    limit: u32,
    cursor: Option<Cursor>,
) -> Result<(Vec<Purchase>, Option<Cursor>)> {
    let query = Query::partition(member_key(tg_id).pk)
        .beginning_with(PURCHASES)
        .descending()
        .limit(limit)
        .after(cursor);
    let page = table.query(&query).await?;
    Ok((page.read()?, page.next))
}

/// A member's newest purchases that `is_wanted`, at most `limit`, newest first. One query for each
/// two hundred purchases that are looked at.
pub(super) async fn newest(
    table: &Table,
    tg_id: i64,
    limit: usize,
    is_wanted: impl Fn(&Purchase) -> bool,
) -> Result<Vec<Purchase>> {
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let (purchases, next) = page(table, tg_id, PAGE, cursor).await?;
        found.extend(purchases.into_iter().filter(&is_wanted));
        cursor = next;
        if cursor.is_none() || found.len() >= limit {
            found.truncate(limit);
            return Ok(found);
        }
    }
}

/// What a purchase has to be written with.
pub(super) struct Sale<'a> {
    /// The item as it was read.
    pub(super) item: &'a ShopItem,
    /// The buyer as read.
    pub(super) member: &'a Member,
    /// What is bought.
    pub(super) purchase: &'a Purchase,
    /// What it costs.
    pub(super) outgo: Outgo,
}

impl Sale<'_> {
    /// Until when the subscription lasts by it.
    pub(super) fn until(item: &ShopItem, member: &Member, now: Instant) -> Option<Instant> {
        item.goods.days().map(|days| extended(member.subscription_expires, days, now))
    }

    /// The writes, seven at most: those of an idempotency key come before. Refused under `item`
    /// when the item was described anew, is gone, or its next ticket was somebody else's; under
    /// `bought` at the limit; under `member` when the member was changed.
    pub(super) fn writes(self, now: Instant) -> Vec<Write> {
        let Self { item, member, purchase, outgo } = self;
        let mut change = auth::change(member, now);
        let mut writes = vec![taken(item), counted(item, purchase)];
        if let Some(until) = purchase.until {
            change =
                set_expiry(change, member, until, now).set("gifted", false).remove("gifted_by");
            let event = SubscriptionEvent {
                tg_id: member.tg_id,
                cause: purchase.id.clone(),
                event: "purchase".to_owned(),
                from: member.subscription_expires,
                until,
                at: now,
            };
            writes.push(Write::insert("subscription", &event));
        }
        writes.push(outgo.on(change));
        writes.push(outgo.entry);
        writes.push(Write::insert("purchase", purchase));
        if let Some(number) = purchase.ticket {
            let ticket = Ticket {
                item_id: item.id.clone(),
                number,
                tg_id: member.tg_id,
                user_id: member.id.clone(),
                purchase_id: purchase.id.clone(),
                at: now,
            };
            writes.push(Write::insert("ticket", &ticket));
        }
        // Nothing else that the catalogue shows changes by a purchase.
        if item.stock.is_some() {
            writes.push(Tag::Shop.raise());
        }
        writes
    }
}

/// One of the item less. Its stock is not compared with what was read, so that buyers at the same
/// time do not refuse each other; the number of a ticket has to be.
fn taken(item: &ShopItem) -> Write {
    let mut write = Write::update("item", ShopItem::key_of(&item.id))
        .add("sold", 1)
        .when("#revision = :seen")
        .bind(":seen", &item.revision);
    if item.stock.is_some() {
        write = write.add("stock", -1).when("#stock > :none").bind(":none", 0);
    }
    if item.next_ticket().is_some() {
        write = write.add("tickets", 1).bind(":tickets", item.tickets).when(match item.tickets {
            0 => "attribute_not_exists(#tickets) OR #tickets = :tickets",
            _ => "#tickets = :tickets",
        });
    }
    write
}

/// One more for the member.
fn counted(item: &ShopItem, purchase: &Purchase) -> Write {
    let write = Write::update("bought", Bought::key_of(purchase.tg_id, &item.id))
        .set("kind", Bought::KIND)
        .set("tg_id", purchase.tg_id)
        .set("item_id", &item.id)
        .set("price", purchase.goods.price)
        .set("at", purchase.created_at)
        .add("count", 1);
    match item.goods.per_user_limit {
        None => write,
        Some(limit) => {
            write.when("attribute_not_exists(#count) OR #count < :limit").bind(":limit", limit)
        }
    }
}

/// The writes that note that a purchase was handed over; refused under `purchase` when it was.
pub(super) fn using(purchase: &Purchase, now: Instant) -> Vec<Write> {
    let write = Write::update("purchase", purchase.key())
        .set("status", PurchaseStatus::Used)
        .set("used_at", now)
        .when("#status = :seen")
        .bind(":seen", purchase.status);
    vec![write, tags::touch(purchase.tg_id)]
}

/// The tickets of an item's raffle up to and with the number `last`, in order. One query for each
/// megabyte.
pub(super) async fn tickets(table: &Table, item_id: &str, last: u32) -> Result<Vec<Ticket>> {
    let query = Query::partition(raffle(item_id)).between(TICKETS, format!("{TICKETS}{last:010}"));
    Ok(table.query_all(&query).await?.read()?)
}

/// The writes of a draw among the tickets that `item` was seen with: whoever buys meanwhile comes
/// too late or makes it be drawn anew. Refused under `draw` when it was drawn before.
pub(super) fn drawing(item: &ShopItem, draw: &Draw, revision: &str) -> Vec<Write> {
    let ended = Write::update("item", ShopItem::key_of(&item.id))
        .set("drawn", true)
        .set("revision", revision)
        .when("#revision = :seen AND #tickets = :tickets")
        .bind(":seen", &item.revision)
        .bind(":tickets", item.tickets);
    vec![Write::insert("draw", draw), ended, Tag::Shop.raise()]
}

/// Describes an item anew, but for what was counted of it, or makes it; refused under `item` where
/// its raffle was drawn since, and where other than `expected` pieces are left, if anybody says.
pub(super) fn described(item: &ShopItem, expected: Option<u32>) -> Write {
    let mut write = Write::update("item", ShopItem::key_of(&item.id))
        .set("kind", ShopItem::KIND)
        .set("id", &item.id)
        .set("goods", &item.goods)
        .set("active", item.active)
        .set("revision", &item.revision)
        .set("removed", false)
        .set_once("created_at", item.created_at)
        .set("updated_at", item.updated_at);
    if !item.drawn {
        let open = "attribute_not_exists(#drawn) OR #drawn = :drawn";
        write = write.when(open).bind(":drawn", false);
    }
    if let Some(expected) = expected {
        write = write.when("#stock = :expected").bind(":expected", expected);
    }
    match item.stock {
        Some(stock) => write.set("stock", stock).set_sum("initial", "sold", stock.into()),
        None => write.remove("stock").remove("initial"),
    }
}

/// Takes an item off sale for good; refused under `item` where there is none.
pub(super) fn removed(id: &str, revision: &str) -> Write {
    Write::update("item", ShopItem::key_of(id))
        .set("removed", true)
        .set("revision", revision)
        .when("attribute_exists(#pk)")
}

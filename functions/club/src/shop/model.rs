//! What is sold, and what was bought. No I/O.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::clock::Instant;
use shared::ids;
use utoipa::ToSchema;

use crate::auth::{Member, MemberId};

/// The most days that a purchase adds to a subscription.
pub(super) const DAYS_MAX: u32 = 3_660;
/// Characters of an item's id.
const ID_MAX: usize = 64;
/// What the ids of purchases begin with.
const PURCHASE_ID: &str = "pur_";

/// A shelf of the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    /// For the elite.
    Elite,
    /// Secrets.
    Secret,
    /// Savings.
    Savings,
}

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ItemType {
    /// A numbered ticket of the item's raffle.
    RaffleTicket,
    /// A lesson.
    Lesson,
    /// A discount.
    Discount,
    /// Something that is sent.
    Gift,
    /// Access; days of the subscription where `metadata.days` says how many.
    Access,
}

/// An item as administrators describe it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Goods {
    /// What it is called.
    pub title: String,
    /// What it is.
    pub description: Option<String>,
    /// Energies, at least 1.
    pub price: u32,
    /// Where it stands.
    pub category: Category,
    /// What it is.
    pub item_type: ItemType,
    /// Its picture.
    pub image_url: Option<String>,
    /// What the app knows of it besides.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// How often one member may buy it; `None` for as often as they like.
    pub per_user_limit: Option<u32>,
    /// Its place in lists, the least first.
    #[serde(default)]
    pub sort_order: i64,
}

impl Goods {
    /// The days that it adds to a subscription.
    #[must_use]
    pub fn days(&self) -> Option<u32> {
        let days = self.metadata.get("days").filter(|_| self.item_type == ItemType::Access)?;
        let days = days.as_u64().and_then(|days| u32::try_from(days).ok())?;
        Some(days).filter(|days| (1..=DAYS_MAX).contains(days))
    }
}

/// Something that the shop sells, or has sold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShopItem {
    /// As the administrator has called it.
    pub id: String,
    /// What it is, for how much.
    pub goods: Goods,
    /// Is it on sale, as far as the administrator is concerned?
    pub active: bool,
    /// Another one with everything that an administrator changes.
    pub revision: String,
    /// Pieces that are left; `None` for as many as anybody wants.
    pub stock: Option<u32>,
    /// `stock` and `sold` together, where there is a stock.
    pub initial: Option<u32>,
    /// How often it was sold.
    #[serde(default)]
    pub sold: u32,
    /// Tickets of its raffle: the number of the newest.
    #[serde(default)]
    pub tickets: u32,
    /// Was its raffle drawn?
    #[serde(default)]
    pub drawn: bool,
    /// Was it deleted? It is kept for those who have bought it.
    #[serde(default)]
    pub removed: bool,
    /// When it was first described.
    pub created_at: Instant,
    /// When it was last described.
    pub updated_at: Instant,
}

/// Why an item is not sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is not on sale.
    NotSold,
    /// It has another price than the buyer expects.
    PriceChanged,
    /// None is left.
    OutOfStock,
    /// The member has had it as often as anybody may.
    Limit,
}

impl ShopItem {
    /// Can this be the id of an item?
    #[must_use]
    pub fn is_id(text: &str) -> bool {
        (1..=ID_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    }

    /// Is it on sale?
    #[must_use]
    pub fn is_sold(&self) -> bool {
        self.active && !self.drawn && !self.removed
    }

    /// Judges a wish to buy one for `expected` energies, if the buyer says so, after as many as
    /// `bought`.
    ///
    /// # Errors
    /// Why it is not sold.
    pub fn judge(&self, expected: Option<u32>, bought: u32) -> Result<(), Refusal> {
        if !self.is_sold() {
            return Err(Refusal::NotSold);
        }
        if expected.is_some_and(|expected| expected != self.goods.price) {
            return Err(Refusal::PriceChanged);
        }
        if self.goods.per_user_limit.is_some_and(|limit| bought >= limit) {
            return Err(Refusal::Limit);
        }
        if self.stock == Some(0) {
            return Err(Refusal::OutOfStock);
        }
        Ok(())
    }

    /// The ticket that the next purchase brings, if it brings one.
    #[must_use]
    pub fn next_ticket(&self) -> Option<u32> {
        (self.goods.item_type == ItemType::RaffleTicket).then(|| self.tickets.saturating_add(1))
    }

    /// The same item with one sold.
    #[must_use]
    pub fn less_one(&self) -> Self {
        Self {
            stock: self.stock.map(|stock| stock.saturating_sub(1)),
            sold: self.sold.saturating_add(1),
            tickets: self.next_ticket().unwrap_or(self.tickets),
            ..self.clone()
        }
    }
}

/// Where a purchase stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PurchaseStatus {
    /// Paid.
    Completed,
    /// Handed over.
    Used,
}

/// Something that a member has bought.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Purchase {
    /// `pur_` and a ULID that tells whose it is.
    pub id: String,
    /// The buyer, by Telegram id.
    pub tg_id: i64,
    /// The buyer.
    pub user_id: MemberId,
    /// What was bought.
    pub item_id: String,
    /// The same as it was then, its price among it.
    pub goods: Goods,
    /// Where it stands.
    pub status: PurchaseStatus,
    /// The ticket that came with it.
    pub ticket: Option<u32>,
    /// Until when the subscription lasted by it.
    pub until: Option<Instant>,
    /// When it was bought.
    pub created_at: Instant,
    /// When it was handed over.
    pub used_at: Option<Instant>,
}

impl Purchase {
    /// An id for a purchase of this member.
    #[must_use]
    pub fn id_for(tg_id: i64, now: Instant) -> String {
        let owner = u64::try_from(tg_id).unwrap_or_default();
        format!("{PURCHASE_ID}{}", ids::ulid_of(now, owner))
    }

    /// The member, by Telegram id, whose purchase would have this id.
    #[must_use]
    pub fn owner_of(id: &str) -> Option<i64> {
        let owner = ids::owner_of(id.strip_prefix(PURCHASE_ID)?)?;
        i64::try_from(owner).ok()
    }

    /// One of these items for this member.
    #[must_use]
    pub fn of(item: &ShopItem, member: &Member, id: &str, now: Instant) -> Self {
        Self {
            id: id.to_owned(),
            tg_id: member.tg_id,
            user_id: member.id.clone(),
            item_id: item.id.clone(),
            goods: item.goods.clone(),
            status: PurchaseStatus::Completed,
            ticket: item.next_ticket(),
            until: None,
            created_at: now,
            used_at: None,
        }
    }
}

/// How often a member has bought an item, and when last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bought {
    /// The buyer, by Telegram id.
    pub tg_id: i64,
    /// The item.
    pub item_id: String,
    /// How often.
    pub count: u32,
    /// What was paid last.
    pub price: u32,
    /// When.
    pub at: Instant,
}

//! What a member has bought.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::cache::Conditional;
use shared::clock::{Instant, Now};
use shared::function::Function;
use shared::http::{Answer, Params, Search, Subject, page_limit};
use shared::problem::Problem;
use utoipa::ToSchema;

use super::model::{Bought, Category, ItemType, Purchase, PurchaseStatus, ShopItem};
use super::purchase::ShopPurchase;
use super::store;
use crate::wire::{self, succeeded};
use crate::{App, auth};

const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 200;

/// `GET /api/v1/shop/purchases`.
#[must_use]
pub fn purchases() -> Function<App> {
    Function::<App>::get("club-shop-purchases", "/api/v1/shop/purchases")
        .summary("What the caller has bought, newest first")
        .limited(wire::API)
        .cached(wire::USER)
        .reads(&[("limit", "Purchases, from 1; 50 by default, 200 at most.")])
        .answers::<Purchases>()
        .handled_by(get(handle_purchases))
}

/// `GET /api/v1/shop/purchases/unused`.
#[must_use]
pub fn unused() -> Function<App> {
    Function::<App>::get("club-shop-unused", "/api/v1/shop/purchases/unused")
        .summary("What the caller has bought and was not handed yet, newest first")
        .limited(wire::API)
        .cached(wire::USER)
        .reads(&[("limit", "Purchases, from 1; 50 by default, 200 at most.")])
        .answers::<Purchases>()
        .handled_by(get(handle_unused))
}

/// `GET /api/v1/shop/stats`.
#[must_use]
pub fn stats() -> Function<App> {
    Function::<App>::get("club-shop-stats", "/api/v1/shop/stats")
        .summary("How much the caller has bought")
        .limited(wire::API)
        .cached(wire::USER)
        .answers::<ShopStats>()
        .handled_by(get(handle_stats))
}

/// `GET /api/v1/shop/balance`.
#[must_use]
pub fn balance() -> Function<App> {
    Function::<App>::get("club-shop-balance", "/api/v1/shop/balance")
        .summary("The energies that the caller can spend")
        .limited(wire::API)
        .cached(wire::USER)
        .answers::<ShopBalance>()
        .handled_by(get(handle_balance))
}

/// `GET /api/v1/shop/purchased/{itemId}`.
#[must_use]
pub fn purchased() -> Function<App> {
    Function::<App>::get("club-shop-purchased", "/api/v1/shop/purchased/{itemId}")
        .summary("An item that the caller has bought")
        .limited(wire::API)
        .cached(wire::USER)
        .answers::<Purchased>()
        .handled_by(get(handle_purchased))
}

#[derive(Debug, Deserialize)]
struct Wanted {
    limit: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Purchases {
    purchases: Vec<ShopPurchase>,
}

impl Purchases {
    fn of(purchases: Vec<Purchase>) -> Self {
        Self { purchases: purchases.into_iter().map(ShopPurchase::of).collect() }
    }
}

/// Purchases change with the member: every one does, and so does what becomes of it.
async fn handle_purchases(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Search(wanted): Search<Wanted>,
    cached: Conditional,
) -> Answer {
    let limit = page_limit(wanted.limit.as_deref(), LIMIT_DEFAULT, LIMIT_MAX)?;
    let table = &app.platform.table;
    let member = auth::ensure(table, &subject, now).await?;
    let body = async {
        let (purchases, _) = store::page(table, member.tg_id, limit, None).await?;
        Ok(succeeded(Purchases::of(purchases)))
    };
    cached.answer(&[&member.version.to_string()], body).await
}

async fn handle_unused(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Search(wanted): Search<Wanted>,
    cached: Conditional,
) -> Answer {
    let limit = page_limit(wanted.limit.as_deref(), LIMIT_DEFAULT, LIMIT_MAX)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let table = &app.platform.table;
    let member = auth::ensure(table, &subject, now).await?;
    let body = async {
        let is_unused = |purchase: &Purchase| purchase.status == PurchaseStatus::Completed;
        let purchases = store::newest(table, member.tg_id, limit, is_unused).await?;
        Ok(succeeded(Purchases::of(purchases)))
    };
    cached.answer(&[&member.version.to_string()], body).await
}

#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ShopStats {
    /// Purchases.
    total: u64,
    /// Energies.
    total_spent: u64,
    /// Purchases by category.
    #[schema(value_type = BTreeMap<String, u64>)]
    by_category: BTreeMap<Category, u64>,
    /// Purchases by what they are.
    #[schema(value_type = BTreeMap<String, u64>)]
    by_type: BTreeMap<ItemType, u64>,
}

impl ShopStats {
    fn of(purchases: &[Purchase]) -> Self {
        let mut stats = Self::default();
        for purchase in purchases {
            stats.total += 1;
            stats.total_spent += u64::from(purchase.goods.price);
            *stats.by_category.entry(purchase.goods.category).or_default() += 1;
            *stats.by_type.entry(purchase.goods.item_type).or_default() += 1;
        }
        stats
    }
}

async fn handle_stats(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    cached: Conditional,
) -> Answer {
    let table = &app.platform.table;
    let member = auth::ensure(table, &subject, now).await?;
    let body = async {
        let purchases = store::newest(table, member.tg_id, usize::MAX, |_| true).await?;
        Ok(succeeded(ShopStats::of(&purchases)))
    };
    cached.answer(&[&member.version.to_string()], body).await
}

#[derive(Debug, Serialize, ToSchema)]
struct ShopBalance {
    balance: i64,
}

async fn handle_balance(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    cached: Conditional,
) -> Answer {
    let member = auth::ensure(&app.platform.table, &subject, now).await?;
    let body = async { Ok(succeeded(ShopBalance { balance: member.balance })) };
    cached.answer(&[&member.version.to_string()], body).await
}

#[derive(Debug, Serialize, ToSchema)]
struct Purchased {
    item: PurchasedItem,
}

/// An item as it is now, for somebody who has bought it.
#[derive(Debug, Serialize, ToSchema)]
struct PurchasedItem {
    id: String,
    title: String,
    description: Option<String>,
    category: Category,
    item_type: ItemType,
    #[schema(value_type = Object)]
    item_data: Map<String, Value>,
    /// What was paid last.
    price: u32,
    #[schema(value_type = String, format = "date-time")]
    purchased_at: Instant,
}

async fn handle_purchased(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Params(id): Params<String>,
    cached: Conditional,
) -> Answer {
    let unknown = || Problem::not_found("Item not found or not purchased");
    if !ShopItem::is_id(&id) {
        return Err(unknown());
    }
    let keys = [Bought::key_of(subject.telegram_id, &id), ShopItem::key_of(&id)];
    let [bought_at, item_at] = &keys;
    let table = &app.platform.table;
    let (member, rows) = auth::ensure_with(table, &subject, keys.clone(), now).await?;
    let bought: Bought = rows.get(bought_at)?.ok_or_else(unknown)?;
    let item: ShopItem = rows.get(item_at)?.ok_or_else(unknown)?;
    // A batch read is no snapshot: what was bought may be newer than the version.
    let seen = format!("{} {} {}", bought.at, bought.count, item.revision);
    let item = PurchasedItem {
        id: item.id,
        title: item.goods.title,
        description: item.goods.description,
        category: item.goods.category,
        item_type: item.goods.item_type,
        item_data: item.goods.metadata,
        price: bought.price,
        purchased_at: bought.at,
    };
    let body = async { Ok(succeeded(Purchased { item })) };
    cached.answer(&[&member.version.to_string(), &seen], body).await
}

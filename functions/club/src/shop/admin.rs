//! What administrators do in the shop: they describe items, hand over what was bought, and draw.

use std::ops::RangeInclusive;

use axum::extract::State;
use axum::routing::post;
use http::StatusCode;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::clock::{Instant, Now};
use shared::function::{Access, Function};
use shared::http::{Answer, Fields, Json, Params};
use shared::ids;
use shared::problem::{Problem, Result};
use shared::retry::{Round, contended, optimistic};
use shared::table::{Table, Write};
use utoipa::ToSchema;

use super::catalogue::{ShopItemView, unknown_item};
use super::model::{Category, DAYS_MAX, Goods, ItemType, Purchase, PurchaseStatus, ShopItem};
use super::purchase::ShopPurchase;
use super::raffle::{Draw, Seed, Winner, winners};
use super::store;
use crate::content::admin::{Replacing, fields_of};
use crate::tags::Tag;
use crate::wire::{self, success};
use crate::{App, auth, texts};

/// What the content route calls an item.
const KIND: &str = "shop-item";
/// The most that an item costs.
const PRICE_MAX: i64 = 10_000_000;
/// The most pieces, and the most that one member may have.
const PIECES_MAX: i64 = 1_000_000;
/// Places in lists.
const PLACES: RangeInclusive<i64> = -1_000_000..=1_000_000;
/// What metadata may take, in bytes of JSON.
const METADATA_MAX: usize = 8 * 1024;
/// Prizes of one raffle.
const WINNERS_MAX: usize = 100;
/// A draw meets those who buy tickets.
const DRAW_TRIES: u32 = 10;

/// `POST /api/v1/shop/purchases/{id}/use`.
#[must_use]
pub fn use_purchase() -> Function<App> {
    Function::<App>::post("club-shop-use", "/api/v1/shop/purchases/{id}/use")
        .summary("Notes that what was bought was handed over")
        .access(Access::Admin)
        .limited(wire::ADMIN)
        .answers::<UsedPurchase>()
        .handled_by(post(handle_use))
}

/// `POST /api/admin/shop/items/{id}/draw`.
#[must_use]
pub fn draw() -> Function<App> {
    Function::<App>::post("club-shop-draw", "/api/admin/shop/items/{id}/draw")
        .summary("Draws the winners of an item's raffle, once")
        .access(Access::Admin)
        .limited(wire::ADMIN)
        .takes::<DrawWish>()
        .answers::<Drawn>()
        .handled_by(post(handle_draw))
}

#[derive(Debug, Serialize, ToSchema)]
struct UsedPurchase {
    purchase: ShopPurchase,
}

/// One read and one transaction of two items; nothing but the read for what was handed over.
async fn handle_use(State(app): State<App>, Now(now): Now, Params(id): Params<String>) -> Answer {
    let unknown = || Problem::not_found("Purchase not found");
    let key = Purchase::owner_of(&id).map(|owner| Purchase::key_of(owner, &id));
    let key = key.ok_or_else(unknown)?;
    let table = &app.platform.table;
    optimistic(|| async {
        let found: Option<Purchase> = table.get(&key).await?;
        let purchase = found.ok_or_else(unknown)?;
        if purchase.status == PurchaseStatus::Used {
            return success(UsedPurchase { purchase: ShopPurchase::of(purchase) }).map(Round::Done);
        }
        match table.transact(store::using(&purchase, now)).await {
            Err(error) => error.refusal().map(|_| Round::Stale).map_err(Problem::from),
            Ok(()) => {
                let (status, used_at) = (PurchaseStatus::Used, Some(now));
                let purchase = ShopPurchase::of(Purchase { status, used_at, ..purchase });
                success(UsedPurchase { purchase }).map(Round::Done)
            }
        }
    })
    .await
}

#[derive(Debug, Deserialize, ToSchema)]
struct DrawWish {
    /// Prizes, 1 to 100.
    winners: usize,
    /// 64 hexadecimal digits; random unless given.
    seed: Option<String>,
}

impl DrawWish {
    fn check(&self) -> Result<Seed> {
        if !(1..=WINNERS_MAX).contains(&self.winners) {
            return Err(Problem::invalid("winners", "1 to 100"));
        }
        let Some(text) = &self.seed else { return Ok(Seed::random()) };
        Seed::read(text).ok_or_else(|| Problem::invalid("seed", "64 hexadecimal digits"))
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct Drawn {
    draw: DrawView,
}

/// A raffle that was drawn.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DrawView {
    item_id: String,
    /// 32 bytes, in hexadecimal.
    seed: String,
    /// Their SHA-256, in hexadecimal.
    seed_hash: String,
    /// How many tickets there were.
    tickets: u32,
    /// The first prize first.
    winners: Vec<WinnerView>,
    #[schema(value_type = String, format = "date-time")]
    drawn_at: Instant,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct WinnerView {
    /// Which prize, from 1.
    place: usize,
    ticket_number: u32,
    user_id: String,
    telegram_id: i64,
}

impl DrawView {
    fn of(draw: Draw) -> Self {
        let winner = |(n, winner): (usize, Winner)| WinnerView {
            place: n + 1,
            ticket_number: winner.number,
            user_id: winner.user_id,
            telegram_id: winner.tg_id,
        };
        Self {
            item_id: draw.item_id,
            seed: draw.seed,
            seed_hash: draw.seed_hash,
            tickets: draw.tickets,
            winners: draw.winners.into_iter().enumerate().map(winner).collect(),
            drawn_at: draw.at,
        }
    }
}

async fn handle_draw(
    State(app): State<App>,
    Now(now): Now,
    Params(id): Params<String>,
    Json(wish): Json<DrawWish>,
) -> Answer {
    let seed = wish.check()?;
    if !ShopItem::is_id(&id) {
        return Err(unknown_item());
    }
    let draw = contended(DRAW_TRIES, || drawn(&app, &id, &wish, &seed, now)).await?;
    success(Drawn { draw: DrawView::of(draw) })
}

/// One read, one query for each megabyte of tickets, and one transaction of three items; nothing
/// but the read for what was drawn before.
async fn drawn(
    app: &App,
    id: &str,
    wish: &DrawWish,
    seed: &Seed,
    now: Instant,
) -> Result<Round<Draw>> {
    let table = &app.platform.table;
    let keys = [ShopItem::key_of(id), Draw::key_of(id)];
    let [item_at, draw_at] = &keys;
    let rows = table.batch(&keys).await?;
    if let Some(draw) = rows.get::<Draw>(draw_at)? {
        return Ok(Round::Done(draw));
    }
    let item: ShopItem = rows.get(item_at)?.ok_or_else(unknown_item)?;
    if item.tickets == 0 {
        let text = texts::NO_TICKETS;
        return Err(Problem::new(StatusCode::CONFLICT, "no_tickets", "Conflict", text));
    }
    let tickets = store::tickets(table, id, item.tickets).await?;
    let draw = Draw {
        item_id: id.to_owned(),
        seed: seed.to_hex(),
        seed_hash: seed.hash(),
        tickets: item.tickets,
        winners: winners(seed, id, &tickets, wish.winners),
        at: now,
    };
    match table.transact(store::drawing(&item, &draw, &ids::ulid(now))).await {
        Ok(()) => Ok(Round::Done(draw)),
        Err(error) => error.refusal().map(|_| Round::Stale).map_err(Problem::from),
    }
}

/// What a replacement of an item is judged by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Was its raffle drawn?
    drawn: bool,
    /// Pieces that are left, where they are counted.
    stock: Option<u32>,
}

/// How an item stands, if there is one. One read.
///
/// # Errors
/// When the store does not answer.
pub async fn seen(table: &Table, id: &str) -> Result<Seen> {
    let item: Option<ShopItem> = table.get(&ShopItem::key_of(id)).await?;
    Ok(item.map(|item| Seen { drawn: item.drawn, stock: item.stock }).unwrap_or_default())
}

/// Describes an item anew, whole but for what was counted of it: a stock of `n` is what is left from
/// now on, whatever was sold before, so that `stock + sold = initial` holds with a new `initial`.
/// What was drawn is on sale no more; refused under `item` when it was drawn since it was seen.
///
/// Who has counted what is left names it as `expectedStock` beside the new `stock`: nothing is
/// written where another number is left by now, so that what was sold meanwhile is not on sale again.
///
/// # Errors
/// 400 with every field that does not fit; 404 for another kind, or an id that no item can have;
/// 409 `stock_changed`.
pub fn replacing(
    kind: &str,
    id: &str,
    fields: &Value,
    seen: Seen,
    now: Instant,
) -> Result<Replacing> {
    if kind != KIND || !ShopItem::is_id(id) {
        return Err(unknown_item());
    }
    let mut fields = fields_of(fields)?;
    let goods = goods(&mut fields);
    let active = fields.flag("isActive").unwrap_or(true);
    let stock = pieces(&mut fields, "stock", 0);
    let expected = pieces(&mut fields, "expectedStock", 0);
    fields.finish()?;
    if expected.is_some() && expected != seen.stock {
        return Err(stock_changed(seen.stock));
    }
    let item = ShopItem {
        id: id.to_owned(),
        goods,
        active,
        revision: ids::ulid(now),
        stock,
        initial: None,
        sold: 0,
        tickets: 0,
        drawn: seen.drawn,
        removed: false,
        created_at: now,
        updated_at: now,
    };
    let writes = vec![store::described(&item, expected)];
    let mut entity = serde_json::to_value(ShopItemView::of(item)).map_err(Problem::bug)?;
    // What stood here before may be older: it is not read.
    if let Some(entity) = entity.as_object_mut() {
        entity.remove("createdAt");
    }
    Ok(Replacing { writes, entity, tag: Tag::Shop })
}

/// Another number is left than the administrator has counted.
fn stock_changed(stock: Option<u32>) -> Problem {
    let text = texts::STOCK_CHANGED;
    Problem::new(StatusCode::CONFLICT, "stock_changed", "Conflict", text).with("stock", stock)
}

/// Takes an item off sale for good; refused under `item` where there is none. Its counts stay, and
/// so does what those have who have bought it.
#[must_use]
pub fn deleting(kind: &str, id: &str) -> Vec<Write> {
    match kind == KIND && ShopItem::is_id(id) {
        true => vec![store::removed(id, &ids::token())],
        false => Vec::new(),
    }
}

fn goods(fields: &mut Fields) -> Goods {
    let title = fields.required_text("title", 1, 200);
    let description = fields.text("description", 0, 4_000).filter(|text| !text.is_empty());
    let price = fields.required_integer("price", 1..=PRICE_MAX);
    let category = one_of(fields, "category", Category::Elite);
    let item_type = one_of(fields, "itemType", ItemType::Gift);
    let image_url = fields.text("imageUrl", 0, 2_048).filter(|text| !text.is_empty());
    let name = if fields.raw("metadata").is_some() { "metadata" } else { "itemData" };
    let metadata = metadata(fields, name, item_type);
    let per_user_limit = pieces(fields, "perUserLimit", 1);
    let sort_order = fields.integer("sortOrder", PLACES).unwrap_or_default();
    Goods {
        title,
        description,
        price: u32::try_from(price).unwrap_or(u32::MAX),
        category,
        item_type,
        image_url,
        metadata,
        per_user_limit,
        sort_order,
    }
}

fn pieces(fields: &mut Fields, name: &'static str, least: i64) -> Option<u32> {
    fields.integer(name, least..=PIECES_MAX).and_then(|pieces| u32::try_from(pieces).ok())
}

fn one_of<T: DeserializeOwned>(fields: &mut Fields, name: &'static str, otherwise: T) -> T {
    let text = fields.required_text(name, 1, 40);
    match serde_json::from_value(Value::String(text)) {
        Ok(known) => known,
        Err(_) => {
            fields.complain(name, "is none of those that there are");
            otherwise
        }
    }
}

fn metadata(fields: &mut Fields, name: &'static str, item_type: ItemType) -> Map<String, Value> {
    let metadata = match fields.raw(name) {
        None => return Map::new(),
        Some(Value::Object(metadata)) => metadata.clone(),
        Some(_) => {
            fields.complain(name, "must be an object");
            return Map::new();
        }
    };
    let size = serde_json::to_string(&metadata).map_or(usize::MAX, |text| text.len());
    if size > METADATA_MAX || !auth::can_be_kept(&metadata) {
        fields.complain(name, "8 KiB at most, and no numbers of extreme size");
    }
    let days = metadata.get("days").filter(|_| item_type == ItemType::Access);
    let are_days = |days: &Value| days.as_u64().is_some_and(|n| (1..=DAYS_MAX.into()).contains(&n));
    if days.is_some_and(|days| !are_days(days)) {
        fields.complain(name, "days must be an integer from 1 to 3660");
    }
    metadata
}

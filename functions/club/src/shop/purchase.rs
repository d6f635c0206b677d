//! A purchase: one effect, whoever asks how often.

use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::clock::{Instant, Now};
use shared::function::Function;
use shared::http::{Answer, Json, Subject};
use shared::idempotency::Idempotency;
use shared::problem::{Problem, Result};
use shared::retry::{Round, contended};
use shared::table::{Key, Rows, Write};
use utoipa::ToSchema;

use super::catalogue::{ShopItemView, unknown_item};
use super::model::{
    Bought, Category, Goods, ItemType, Purchase, PurchaseStatus, Refusal, ShopItem,
};
use super::store::Sale;
use crate::auth::{self, Member};
use crate::energies::{self, Expense};
use crate::wire::{self, succeeded};
use crate::{App, texts};

/// Buyers of one raffle's tickets meet at the number of the next one.
const TRIES: u32 = 10;

/// `POST /api/v1/shop/purchase`.
#[must_use]
pub fn purchase() -> Function<App> {
    Function::<App>::post("club-shop-purchase", "/api/v1/shop/purchase")
        .summary("Buys one thing for energies; an equal call within 45 seconds is a duplicate")
        .limited(wire::API)
        .merging(wire::KEYLESS_DEDUPE_S)
        .takes::<PurchaseWish>()
        .answers::<PurchaseMade>()
        .handled_by(post(handle))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PurchaseWish {
    /// The item.
    item_id: String,
    /// The energies that the buyer expects to pay: another price refuses the purchase.
    expected_price: Option<u32>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PurchaseMade {
    item: ShopItemView,
    purchase: ShopPurchase,
    new_balance: i64,
}

/// Something that the caller has bought.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShopPurchase {
    id: String,
    user_id: String,
    item_id: String,
    /// Energies.
    price: u32,
    status: PurchaseStatus,
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    /// Tickets of the item's raffle that came with it.
    ticket_numbers: Vec<u32>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Instant,
    /// The same as `createdAt`.
    #[schema(value_type = String, format = "date-time")]
    purchased_at: Instant,
    #[schema(value_type = Option<String>, format = "date-time")]
    used_at: Option<Instant>,
    item: SoldItem,
    item_title: String,
    item_description: Option<String>,
    item_category: Category,
    item_type: ItemType,
    item_image_url: Option<String>,
}

/// An item as it was when it was bought.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SoldItem {
    id: String,
    title: String,
    description: Option<String>,
    price: u32,
    category: Category,
    item_type: ItemType,
    image_url: Option<String>,
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    /// The same as `metadata`.
    #[schema(value_type = Object)]
    item_data: Map<String, Value>,
}

impl ShopPurchase {
    pub(super) fn of(purchase: Purchase) -> Self {
        let goods = purchase.goods.clone();
        let Goods { title, description, price, category, item_type, image_url, .. } = goods;
        let mut metadata = Map::new();
        if let Some(until) = purchase.until {
            metadata.insert("subscriptionExpires".to_owned(), until.to_string().into());
        }
        Self {
            item: SoldItem::of(&purchase.item_id, purchase.goods),
            id: purchase.id,
            user_id: purchase.user_id,
            item_id: purchase.item_id,
            price,
            status: purchase.status,
            metadata,
            ticket_numbers: purchase.ticket.into_iter().collect(),
            created_at: purchase.created_at,
            purchased_at: purchase.created_at,
            used_at: purchase.used_at,
            item_title: title,
            item_description: description,
            item_category: category,
            item_type,
            item_image_url: image_url,
        }
    }
}

impl SoldItem {
    fn of(id: &str, goods: Goods) -> Self {
        Self {
            id: id.to_owned(),
            title: goods.title,
            description: goods.description,
            price: goods.price,
            category: goods.category,
            item_type: goods.item_type,
            image_url: goods.image_url,
            item_data: goods.metadata.clone(),
            metadata: goods.metadata,
        }
    }
}

/// One call, the same in every round.
struct Wish<'a> {
    subject: &'a Subject,
    item_id: &'a str,
    expected: Option<u32>,
    /// What the purchase will be called.
    id: String,
    now: Instant,
}

async fn handle(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    key: Idempotency,
    Json(body): Json<PurchaseWish>,
) -> Answer {
    if !ShopItem::is_id(&body.item_id) {
        return Err(unknown_item());
    }
    let wish = Wish {
        subject: &subject,
        item_id: &body.item_id,
        expected: body.expected_price,
        id: Purchase::id_for(subject.telegram_id, now),
        now,
    };
    contended(TRIES, || round(&app, &wish, &key)).await
}

/// One read and one transaction of eight items at most.
async fn round(app: &App, wish: &Wish<'_>, key: &Idempotency) -> Result<Round<Response>> {
    let (table, now) = (&app.platform.table, wish.now);
    let tg_id = wish.subject.telegram_id;
    let (item_at, bought_at) =
        (ShopItem::key_of(wish.item_id), Bought::key_of(tg_id, wish.item_id));
    let more = [item_at.clone(), bought_at.clone()].into_iter().chain(key.key());
    let (member, rows) = auth::ensure_with(table, wish.subject, more, now).await?;
    if let Some(response) = key.before(table, &rows, now).await? {
        return Ok(Round::Done(response));
    }
    auth::paid(&member, now)?;
    let (made, effect) = decide(wish, &member, &rows, [&item_at, &bought_at])?;
    key.commit(table, &succeeded(made), effect, now).await
}

fn decide(
    wish: &Wish<'_>,
    member: &Member,
    rows: &Rows,
    [item_at, bought_at]: [&Key; 2],
) -> Result<(PurchaseMade, Vec<Write>)> {
    let now = wish.now;
    let item: ShopItem = rows.get(item_at)?.ok_or_else(unknown_item)?;
    let bought: Option<Bought> = rows.get(bought_at)?;
    let before = bought.map_or(0, |bought| bought.count);
    item.judge(wish.expected, before).map_err(refused)?;
    let price = item.goods.price;
    let expense = Expense::purchase(&wish.id, &item.goods.title, price);
    let outgo = energies::expense(member, &expense, now)?;
    let until = Sale::until(&item, member, now);
    let purchase = Purchase { until, ..Purchase::of(&item, member, &wish.id, now) };
    let writes = Sale { item: &item, member, purchase: &purchase, outgo }.writes(now);
    let made = PurchaseMade {
        item: ShopItemView::of(item.less_one()),
        purchase: ShopPurchase::of(purchase),
        new_balance: member.balance - i64::from(price),
    };
    Ok((made, writes))
}

fn refused(refusal: Refusal) -> Problem {
    let (code, text) = match refusal {
        Refusal::NotSold => return unknown_item(),
        Refusal::PriceChanged => ("price_changed", texts::PRICE_CHANGED),
        Refusal::OutOfStock => ("out_of_stock", texts::OUT_OF_STOCK),
        Refusal::Limit => ("purchase_limit", texts::PURCHASE_LIMIT),
    };
    Problem::new(StatusCode::CONFLICT, code, "Conflict", text)
}

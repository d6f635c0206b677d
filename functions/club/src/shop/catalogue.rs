//! What is on sale, for anyone.

use axum::extract::State;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::cache::Conditional;
use shared::clock::Instant;
use shared::function::{Access, Function};
use shared::http::{Answer, Params, Search};
use shared::problem::{Problem, Result};
use shared::table::Table;
use utoipa::ToSchema;

use super::model::{Category, ItemType, ShopItem};
use super::store;
use crate::App;
use crate::tags::Tag;
use crate::wire::{self, succeeded};

/// `GET /api/v1/shop/items`.
#[must_use]
pub fn items() -> Function<App> {
    Function::<App>::get("club-shop-items", "/api/v1/shop/items")
        .summary("What the shop sells")
        .access(Access::Anyone)
        .limited(wire::PUBLIC)
        .cached(wire::SHARED)
        .reads(&[("category", "`elite`, `secret` or `savings`; all unless given.")])
        .answers::<Items>()
        .handled_by(get(handle_items))
}

/// `GET /api/v1/shop/items/by-category`.
#[must_use]
pub fn by_category() -> Function<App> {
    Function::<App>::get("club-shop-categories", "/api/v1/shop/items/by-category")
        .summary("What the shop sells, by category")
        .access(Access::Anyone)
        .limited(wire::PUBLIC)
        .cached(wire::SHARED)
        .reads(&[(
            "category",
            "`elite`, `secret` or `savings`: its items stand by themselves, too.",
        )])
        .answers::<ByCategory>()
        .handled_by(get(handle_categories))
}

/// `GET /api/v1/shop/items/{id}`.
#[must_use]
pub fn item() -> Function<App> {
    Function::<App>::get("club-shop-item", "/api/v1/shop/items/{id}")
        .summary("One thing that the shop sells")
        .access(Access::Anyone)
        .limited(wire::PUBLIC)
        .cached(wire::SHARED)
        .answers::<One>()
        .handled_by(get(handle_item))
}

#[derive(Debug, Deserialize)]
struct Wanted {
    category: Option<String>,
}

impl Wanted {
    fn read(self) -> Result<Option<Category>> {
        let Some(text) = self.category.filter(|text| !text.is_empty()) else { return Ok(None) };
        let read = serde_json::from_value(Value::String(text));
        read.map(Some).map_err(|_| Problem::invalid("category", "elite, secret or savings"))
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct Items {
    items: Vec<ShopItemView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct One {
    item: ShopItemView,
}

#[derive(Debug, Serialize, ToSchema)]
struct ByCategory {
    categories: Categories,
    /// Those of the category that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Vec<ShopItemView>>,
}

#[derive(Debug, Default, Serialize, ToSchema)]
struct Categories {
    elite: Vec<ShopItemView>,
    secret: Vec<ShopItemView>,
    savings: Vec<ShopItemView>,
}

/// Something that the shop sells.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShopItemView {
    id: String,
    title: String,
    description: Option<String>,
    /// Energies.
    price: u32,
    category: Category,
    item_type: ItemType,
    image_url: Option<String>,
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    /// The same as `metadata`.
    #[schema(value_type = Object)]
    item_data: Map<String, Value>,
    is_active: bool,
    /// Pieces that are left; none where there is no end of them.
    stock: Option<u32>,
    /// How often one member may buy it.
    per_user_limit: Option<u32>,
    sort_order: i64,
    #[schema(value_type = String, format = "date-time")]
    created_at: Instant,
    #[schema(value_type = String, format = "date-time")]
    updated_at: Instant,
}

impl ShopItemView {
    pub(super) fn of(item: ShopItem) -> Self {
        let is_active = item.is_sold();
        let ShopItem { id, goods, stock, created_at, updated_at, .. } = item;
        Self {
            id,
            title: goods.title,
            description: goods.description,
            price: goods.price,
            category: goods.category,
            item_type: goods.item_type,
            image_url: goods.image_url,
            item_data: goods.metadata.clone(),
            metadata: goods.metadata,
            is_active,
            stock,
            per_user_limit: goods.per_user_limit,
            sort_order: goods.sort_order,
            created_at,
            updated_at,
        }
    }

    fn all(items: Vec<ShopItem>, category: Option<Category>) -> Vec<Self> {
        let is_wanted =
            |item: &ShopItem| category.is_none_or(|wanted| item.goods.category == wanted);
        items.into_iter().filter(is_wanted).map(Self::of).collect()
    }
}

/// What is made of all that is on sale. The version is read before what it stands for: what
/// changes in between makes the answer be built once more, and is never hidden.
async fn on_sale<T: Serialize>(
    table: &Table,
    cached: &Conditional,
    show: impl FnOnce(Vec<ShopItem>) -> T,
) -> Answer {
    let version = store::version(table).await?;
    let body = async { Ok(succeeded(show(store::on_sale(table).await?))) };
    cached.answer(&[&version], body).await
}

async fn handle_items(
    State(app): State<App>,
    Search(wanted): Search<Wanted>,
    cached: Conditional,
) -> Answer {
    let category = wanted.read()?;
    on_sale(&app.platform.table, &cached, |items| Items {
        items: ShopItemView::all(items, category),
    })
    .await
}

async fn handle_categories(
    State(app): State<App>,
    Search(wanted): Search<Wanted>,
    cached: Conditional,
) -> Answer {
    let category = wanted.read()?;
    on_sale(&app.platform.table, &cached, |items| {
        let all = ShopItemView::all(items, None);
        let of = |category| all.iter().filter(|item| item.category == category).cloned().collect();
        ByCategory {
            items: category.map(of),
            categories: Categories {
                elite: of(Category::Elite),
                secret: of(Category::Secret),
                savings: of(Category::Savings),
            },
        }
    })
    .await
}

async fn handle_item(
    State(app): State<App>,
    Params(id): Params<String>,
    cached: Conditional,
) -> Answer {
    if !ShopItem::is_id(&id) {
        return Err(unknown_item());
    }
    let (item_at, tag) = (ShopItem::key_of(&id), Tag::Shop);
    let rows = app.platform.table.batch(&[item_at.clone(), tag.key()]).await?;
    let item: Option<ShopItem> = rows.get(&item_at)?;
    let item = item.filter(ShopItem::is_sold).ok_or_else(unknown_item)?;
    // A batch read is no snapshot: the item may be newer than the version.
    let stock = item.stock.map_or_else(String::new, |stock| stock.to_string());
    let (version, revision) = (tag.version(&rows)?, item.revision.clone());
    let body = async { Ok(succeeded(One { item: ShopItemView::of(item) })) };
    cached.answer(&[&version, &revision, &stock], body).await
}

/// Nothing of this name is on sale.
pub(super) fn unknown_item() -> Problem {
    Problem::not_found("Item not found")
}

//! Items of content as members see them, and what they hold.

use axum::extract::State;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use shared::cache::Conditional;
use shared::clock::Now;
use shared::function::Function;
use shared::http::{Answer, Params, Search, Subject};
use shared::problem::{Problem, Result};
use utoipa::ToSchema;

use super::fields::is_month;
use super::shelf::{ContentItem, ContentSection, ItemType};
use super::store;
use crate::wire::{self, succeeded};
use crate::{App, calendar};

/// What those are told who ask for what is not there, or not published.
pub(super) const UNKNOWN: &str = "Not Found";

/// `GET /api/v1/content/items`.
#[must_use]
pub fn list() -> Function<App> {
    Function::<App>::get("club-content-items", "/api/v1/content/items")
        .summary("All published items of content, in their order")
        .limited(wire::API)
        .cached(wire::SHARED)
        .reads(&[
            ("type", "`course`, `podcast`, `stream_record` or `practice`."),
            ("keyNumber", "1 to 12."),
            ("monthProgram", "`true` or `false`."),
            ("month", "Of the programme of this month, such as `2026-01`."),
        ])
        .answers::<Items>()
        .handled_by(get(handle_list))
}

/// `GET /api/v1/content/items/{id}`.
#[must_use]
pub fn one() -> Function<App> {
    Function::<App>::get("club-content-item", "/api/v1/content/items/{id}")
        .summary("A published item of content")
        .limited(wire::API)
        .cached(wire::SHARED)
        .answers::<OneItem>()
        .handled_by(get(handle_one))
}

/// `GET /api/v1/content/month-program`.
#[must_use]
pub fn month_program() -> Function<App> {
    Function::<App>::get("club-content-month", "/api/v1/content/month-program")
        .summary("The programme of a month, of the current one of Moscow where none is said")
        .limited(wire::API)
        .cached(wire::SHARED)
        .reads(&[("month", "Such as `2026-01`.")])
        .answers::<Items>()
        .handled_by(get(handle_month))
}

/// `GET /api/v1/content/{itemId}/sections`.
#[must_use]
pub fn sections() -> Function<App> {
    Function::<App>::get("club-content-sections", "/api/v1/content/{itemId}/sections")
        .summary("The sections of an item, in their order")
        .limited(wire::API)
        .cached(wire::SHARED)
        .answers::<Sections>()
        .handled_by(get(handle_sections))
}

#[derive(Debug, Serialize, ToSchema)]
struct Items {
    items: Vec<ContentItem>,
}

#[derive(Debug, Serialize, ToSchema)]
struct OneItem {
    item: ContentItem,
}

#[derive(Debug, Serialize, ToSchema)]
struct Sections {
    sections: Vec<ContentSection>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    r#type: Option<String>,
    key_number: Option<String>,
    month_program: Option<String>,
    month: Option<String>,
}

/// Which items are wanted.
#[derive(Debug, Default)]
struct Filter {
    kind: Option<ItemType>,
    key_number: Option<u32>,
    month_program: Option<bool>,
    month: Option<String>,
}

impl Wanted {
    fn filter(self) -> Result<Filter> {
        Ok(Filter {
            kind: read(self.r#type, "type", |text| serde_json::from_value(text.into()).ok())?,
            key_number: read(self.key_number, "keyNumber", |text| text.parse().ok())?,
            month_program: read(self.month_program, "monthProgram", |text| text.parse().ok())?,
            month: read(self.month, "month", |text| is_month(text).then(|| text.to_owned()))?,
        })
    }
}

/// A query parameter that may be absent or empty.
fn read<T>(
    text: Option<String>,
    name: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>> {
    match text.filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => parse(&text).map(Some).ok_or_else(|| Problem::invalid(name, "does not read")),
    }
}

impl Filter {
    fn takes(&self, item: &ContentItem) -> bool {
        self.kind.is_none_or(|kind| item.r#type == kind)
            && self.key_number.is_none_or(|number| item.key_number == Some(number))
            && self.month_program.is_none_or(|wanted| item.month_program == wanted)
            && (self.month.is_none() || self.month == item.program_month)
    }
}

async fn handle_list(
    State(app): State<App>,
    now: Now,
    subject: Subject,
    Search(wanted): Search<Wanted>,
    cached: Conditional,
) -> Answer {
    let filter = wanted.filter()?;
    chosen(&app, &subject, &cached, now, &filter).await
}

#[derive(Debug, Deserialize)]
struct Month {
    month: Option<String>,
}

async fn handle_month(
    State(app): State<App>,
    now: Now,
    subject: Subject,
    Search(wanted): Search<Month>,
    cached: Conditional,
) -> Answer {
    let month = read(wanted.month, "month", |text| is_month(text).then(|| text.to_owned()))?;
    let month = month.unwrap_or_else(|| calendar::moscow_day(now.0).chars().take(7).collect());
    let filter = Filter { month_program: Some(true), month: Some(month), ..Filter::default() };
    chosen(&app, &subject, &cached, now, &filter).await
}

/// The items that a filter takes. One batch read; one query where the answer is not known.
async fn chosen(
    app: &App,
    subject: &Subject,
    cached: &Conditional,
    Now(now): Now,
    filter: &Filter,
) -> Answer {
    let ground = store::ground(app, subject, [], now).await?;
    // The month may be the current one, which no version tells of.
    let month = filter.month.as_deref().unwrap_or_default();
    let body = async {
        let mut items = store::items(&app.platform.table).await?;
        items.retain(|item| filter.takes(item));
        Ok(succeeded(Items { items }))
    };
    cached.answer(&[&ground.version, month], body).await
}

async fn handle_one(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Params(id): Params<String>,
    cached: Conditional,
) -> Answer {
    store::check_id(&id, UNKNOWN)?;
    let item_at = ContentItem::key_of(&id);
    let ground = store::ground(&app, &subject, [item_at.clone()], now).await?;
    let item: Option<ContentItem> = ground.rows.get(&item_at)?;
    let item = item.filter(|item| item.is_published);
    let item = item.ok_or_else(|| Problem::not_found(UNKNOWN))?;
    let read = store::as_read(&item)?;
    cached.answer(&[&ground.version, &read], async { Ok(succeeded(OneItem { item })) }).await
}

async fn handle_sections(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Params(item_id): Params<String>,
    cached: Conditional,
) -> Answer {
    store::check_id(&item_id, UNKNOWN)?;
    let ground = store::ground(&app, &subject, [], now).await?;
    let body = async {
        let sections = store::whole_shelf(&app.platform.table, &item_id).await?.sections;
        Ok(succeeded(Sections { sections }))
    };
    cached.answer(&[&ground.version], body).await
}

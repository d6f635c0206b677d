//! What administrators write of the content: each kind is some capability's, the route is one.

use axum::extract::State;
use axum::routing::{delete as deleting_route, put as putting_route};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::clock::{Instant, Now};
use shared::function::{Access, Function};
use shared::http::{Answer, Json, Params};
use shared::problem::{Problem, Result};
use shared::retry::{Round, optimistic};
use shared::table::{Table, Write};
use utoipa::ToSchema;

pub use super::fields::fields_of;
use super::fields::is_id;
use super::model::{Course, Meditation};
use super::shelf::Part;
use super::{placing, writing};
use crate::tags::Tag;
use crate::wire::{self, success};
use crate::{App, gamification, shop, streams};

/// What replaces one entity whole.
#[derive(Debug)]
pub struct Replacing {
    /// Its rows; the tag is raised beside them.
    pub writes: Vec<Write>,
    /// The entity as it stands afterwards, as administrators are answered.
    pub entity: Value,
    /// What answers that show it depend on.
    pub tag: Tag,
}

/// `PUT /api/admin/content/{kind}/{id}`.
#[must_use]
pub fn put() -> Function<App> {
    Function::<App>::put("club-admin-content-put", "/api/admin/content/{kind}/{id}")
        .summary("Writes something that members see, whole")
        .access(Access::Admin)
        .limited(wire::ADMIN)
        .takes::<EntityFields>()
        .answers::<EntityAnswer>()
        .handled_by(putting_route(handle_put))
}

/// `DELETE /api/admin/content/{kind}/{id}`.
#[must_use]
pub fn delete() -> Function<App> {
    Function::<App>::delete("club-admin-content-delete", "/api/admin/content/{kind}/{id}")
        .summary("Takes something away that members see, if it is there")
        .access(Access::Admin)
        .limited(wire::ADMIN)
        .answers::<EntityAnswer>()
        .handled_by(deleting_route(handle_delete))
}

/// The fields of the kind, under the names that members read them by.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object)]
struct EntityFields(Map<String, Value>);

#[derive(Debug, Serialize, ToSchema)]
struct EntityAnswer {
    /// As it stands; `null` when it was taken away.
    #[schema(value_type = Option<Object>)]
    entity: Option<Value>,
}

/// What can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Course,
    CourseDay,
    Meditation,
    ContentItem,
    Section,
    Video,
    Timecode,
    Practice,
    Stream,
    ShopItem,
    Achievement,
}

/// What is meant; a malformed id is of nothing.
fn meant(kind: &str, id: &str) -> Result<Kind> {
    let read: Option<Kind> = serde_json::from_value(kind.into()).ok();
    read.filter(|_| is_id(id)).ok_or_else(|| Problem::not_found("Not Found"))
}

async fn handle_put(
    State(app): State<App>,
    Now(now): Now,
    Params((kind, id)): Params<(String, String)>,
    Json(fields): Json<EntityFields>,
) -> Answer {
    meant(&kind, &id)?;
    let fields = Value::Object(fields.0);
    let table = &app.platform.table;
    let entity = optimistic(|| async {
        let Replacing { mut writes, entity, tag } =
            replacing(table, &kind, &id, &fields, now).await?;
        writes.push(tag.raise());
        match table.transact(writes).await {
            Ok(()) => Ok(Round::Done(entity)),
            Err(error) => error.refusal().map(|_| Round::Stale).map_err(Problem::from),
        }
    })
    .await?;
    success(EntityAnswer { entity: Some(entity) })
}

async fn replacing(
    table: &Table,
    kind: &str,
    id: &str,
    fields: &Value,
    now: Instant,
) -> Result<Replacing> {
    match meant(kind, id)? {
        Kind::Course => writing::course(table, id, fields, now).await,
        Kind::CourseDay => writing::course_day(table, id, fields, now).await,
        Kind::Meditation => writing::meditation(table, id, fields, now).await,
        Kind::ContentItem => writing::item(table, id, fields, now).await,
        Kind::Section => writing::section(table, id, fields, now).await,
        Kind::Video => writing::video(table, id, fields, now).await,
        Kind::Timecode => writing::timecode(table, id, fields, now).await,
        Kind::Practice => writing::practice(table, id, fields, now).await,
        Kind::Stream => streams::replacing(kind, id, fields, now),
        Kind::ShopItem => shop::replacing(kind, id, fields, shop::seen(table, id).await?, now),
        Kind::Achievement => gamification::replacing(kind, id, fields, now),
    }
}

async fn handle_delete(
    State(app): State<App>,
    Params((kind, id)): Params<(String, String)>,
) -> Answer {
    let meant = meant(&kind, &id)?;
    let table = &app.platform.table;
    let tag = if meant == Kind::ShopItem { Tag::Shop } else { Tag::Content };
    optimistic(|| async {
        let mut writes = deleting(table, meant, &kind, &id).await?;
        if writes.is_empty() {
            return Ok(Round::Done(()));
        }
        writes.push(tag.raise());
        let Err(error) = table.transact(writes).await else { return Ok(Round::Done(())) };
        error.refusal()?;
        Ok(match meant {
            // Refused, as there is none.
            Kind::Stream | Kind::ShopItem | Kind::Achievement => Round::Done(()),
            _ => Round::Stale,
        })
    })
    .await?;
    success(EntityAnswer { entity: None })
}

async fn deleting(table: &Table, meant: Kind, kind: &str, id: &str) -> Result<Vec<Write>> {
    let part = |part| placing::deleting_part(table, part, id);
    match meant {
        Kind::Course => Ok(placing::deleting_whole(Course::key_of(id))),
        Kind::Meditation => Ok(placing::deleting_whole(Meditation::key_of(id))),
        Kind::ContentItem => Ok(placing::deleting_item(id)),
        Kind::CourseDay => part(Part::CourseDay).await,
        Kind::Section => part(Part::Section).await,
        Kind::Video => part(Part::Video).await,
        Kind::Timecode => part(Part::Timecode).await,
        Kind::Practice => part(Part::Practice).await,
        Kind::Stream => Ok(streams::deleting(kind, id)),
        Kind::ShopItem => Ok(shop::deleting(kind, id)),
        Kind::Achievement => Ok(gamification::deleting(kind, id)),
    }
}

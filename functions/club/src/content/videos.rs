//! Videos and practices, for those who are paid members.

use axum::extract::State;
use axum::routing::get;
use serde::Serialize;
use shared::cache::Conditional;
use shared::clock::Now;
use shared::function::Function;
use shared::http::{Answer, Params, Subject};
use shared::problem::{Problem, Result};
use utoipa::ToSchema;

use super::items::UNKNOWN;
use super::shelf::{Part, Place, PracticeContent, Video, VideoTimecode};
use super::store::{self, Shelf};
use crate::wire::{self, succeeded};
use crate::{App, auth};

/// `GET /api/v1/content/sections/{id}/videos`.
#[must_use]
pub fn of_section() -> Function<App> {
    let path = "/api/v1/content/sections/{id}/videos";
    Function::<App>::get("club-content-section-videos", path)
        .summary("The videos of a section, in their order")
        .limited(wire::API)
        .cached(wire::SHARED)
        .answers::<Videos>()
        .handled_by(get(handle_of_section))
}

/// `GET /api/v1/content/{itemId}/videos`.
#[must_use]
pub fn of_item() -> Function<App> {
    Function::<App>::get("club-content-item-videos", "/api/v1/content/{itemId}/videos")
        .summary("The videos of an item, section by section")
        .limited(wire::API)
        .cached(wire::SHARED)
        .answers::<Videos>()
        .handled_by(get(handle_of_item))
}

/// `GET /api/v1/content/videos/{id}`.
#[must_use]
pub fn one() -> Function<App> {
    Function::<App>::get("club-content-video", "/api/v1/content/videos/{id}")
        .summary("A video, and its moments that have names")
        .limited(wire::API)
        .cached(wire::SHARED)
        .answers::<OneVideo>()
        .handled_by(get(handle_one))
}

/// `GET /api/v1/content/practices/{id}/content`.
#[must_use]
pub fn practice() -> Function<App> {
    Function::<App>::get("club-content-practice", "/api/v1/content/practices/{id}/content")
        .summary("The text of a practice, by its own id or its item's")
        .limited(wire::API)
        .cached(wire::SHARED)
        .answers::<OnePractice>()
        .handled_by(get(handle_practice))
}

#[derive(Debug, Serialize, ToSchema)]
struct Videos {
    videos: Vec<Video>,
}

#[derive(Debug, Serialize, ToSchema)]
struct OneVideo {
    video: Video,
    timecodes: Vec<VideoTimecode>,
}

#[derive(Debug, Serialize, ToSchema)]
struct OnePractice {
    practice: PracticeContent,
}

fn unknown() -> Problem {
    Problem::not_found(UNKNOWN)
}

/// What a paid member finds on the shelf where a part stands, or on that of the item `id` itself.
/// One batch read; one query where the answer is not known.
async fn found<T: Serialize>(
    app: &App,
    subject: &Subject,
    cached: &Conditional,
    (part, id, Now(now)): (Option<Part>, &str, Now),
    body: impl FnOnce(Shelf, Option<Place>) -> Result<T>,
) -> Answer {
    store::check_id(id, UNKNOWN)?;
    let place_at = part.map(|part| Place::key_of(part, id));
    let ground = store::ground(app, subject, place_at.clone(), now).await?;
    auth::paid(&ground.member, now)?;
    let place: Option<Place> = place_at.map_or(Ok(None), |at| ground.rows.get(&at))?;
    let item = match (&place, part) {
        (Some(place), _) => place.within.as_str(),
        // A practice goes by the id of its item, too.
        (None, None | Some(Part::Practice)) => id,
        (None, Some(_)) => return Err(unknown()),
    };
    let answer = async {
        let shelf = store::whole_shelf(&app.platform.table, item).await?;
        Ok(succeeded(body(shelf, place.clone())?))
    };
    cached.answer(&[&ground.version], answer).await
}

async fn handle_of_section(
    State(app): State<App>,
    now: Now,
    subject: Subject,
    Params(id): Params<String>,
    cached: Conditional,
) -> Answer {
    found(&app, &subject, &cached, (Some(Part::Section), &id, now), |mut shelf, _| {
        shelf.videos.retain(|video| video.content_section_id == id);
        Ok(Videos { videos: shelf.videos })
    })
    .await
}

async fn handle_of_item(
    State(app): State<App>,
    now: Now,
    subject: Subject,
    Params(item_id): Params<String>,
    cached: Conditional,
) -> Answer {
    found(&app, &subject, &cached, (None, &item_id, now), |shelf, _| {
        Ok(Videos { videos: shelf.videos })
    })
    .await
}

async fn handle_one(
    State(app): State<App>,
    now: Now,
    subject: Subject,
    Params(id): Params<String>,
    cached: Conditional,
) -> Answer {
    found(&app, &subject, &cached, (Some(Part::Video), &id, now), |mut shelf, _| {
        let video = shelf.videos.into_iter().find(|video| video.id == id).ok_or_else(unknown)?;
        shelf.timecodes.retain(|moment| moment.video_id == id);
        Ok(OneVideo { video, timecodes: shelf.timecodes })
    })
    .await
}

async fn handle_practice(
    State(app): State<App>,
    now: Now,
    subject: Subject,
    Params(id): Params<String>,
    cached: Conditional,
) -> Answer {
    found(&app, &subject, &cached, (Some(Part::Practice), &id, now), |shelf, place| {
        let is_meant = |practice: &PracticeContent| place.is_none() || practice.id == id;
        let practice = shelf.practices.into_iter().find(is_meant).ok_or_else(unknown)?;
        Ok(OnePractice { practice })
    })
    .await
}

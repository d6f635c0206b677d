//! What members have watched.

use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::State;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use shared::cache::Conditional;
use shared::clock::{Instant, Now};
use shared::function::Function;
use shared::http::{Answer, Json, Search, Subject};
use shared::ids;
use shared::problem::{Problem, Result};
use shared::retry::{Round, optimistic};
use shared::table::Write;
use utoipa::ToSchema;

use super::earning::earning;
use super::items::UNKNOWN;
use super::own::{Tally, Watched};
use super::shelf::{ContentItem, ContentSection, Part, Place, Video};
use super::store;
use crate::App;
use crate::auth::{self, Claimed, Member, MemberId};
use crate::energies::Award;
use crate::gamification::{self, Activity};
use crate::wire::{self, succeeded, success};

/// Seconds of the longest watching that is written down.
const SECONDS_MAX: i64 = 86_400;

/// `GET /api/v1/content/progress`.
#[must_use]
pub fn list() -> Function<App> {
    Function::<App>::get("club-content-progress", "/api/v1/content/progress")
        .summary("The videos that the caller has watched")
        .limited(wire::API)
        .cached(wire::USER)
        .reads(&[("userId", "The caller's own id; may be left out.")])
        .answers::<ProgressList>()
        .handled_by(get(handle_list))
}

/// `GET /api/v1/content/progress/stats`.
#[must_use]
pub fn stats() -> Function<App> {
    Function::<App>::get("club-content-stats", "/api/v1/content/progress/stats")
        .summary("How much the caller has watched")
        .limited(wire::API)
        .cached(wire::USER)
        .reads(&[("userId", "The caller's own id; may be left out.")])
        .answers::<WatchStats>()
        .handled_by(get(handle_stats))
}

/// `POST /api/v1/content/progress/complete`.
#[must_use]
pub fn complete() -> Function<App> {
    Function::<App>::post("club-content-complete", "/api/v1/content/progress/complete")
        .summary("Writes down that the caller has watched a video; each earns once")
        .limited(wire::API)
        .takes::<Completed>()
        .answers::<CompletedAnswer>()
        .handled_by(post(handle_complete))
}

#[derive(Debug, Serialize, ToSchema)]
struct ProgressList {
    progress: Vec<UserContentProgress>,
}

/// A video that a member has watched.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct UserContentProgress {
    id: String,
    user_id: MemberId,
    content_item_id: String,
    video_id: String,
    watched: bool,
    watch_time_seconds: u32,
    #[schema(value_type = String, format = "date-time")]
    completed_at: Instant,
    energies_earned: u32,
    #[schema(value_type = String, format = "date-time")]
    created_at: Instant,
    #[schema(value_type = String, format = "date-time")]
    updated_at: Instant,
}

impl UserContentProgress {
    fn of(watched: Watched, member: &Member) -> Self {
        Self {
            id: watched.id,
            user_id: member.id.clone(),
            content_item_id: watched.content_item_id,
            video_id: watched.video_id,
            watched: true,
            watch_time_seconds: watched.seconds,
            completed_at: watched.at,
            energies_earned: watched.energies,
            created_at: watched.at,
            updated_at: watched.at,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct WatchStats {
    stats: WatchSums,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct WatchSums {
    /// Videos.
    total_watched: u64,
    total_energies: u64,
    /// Seconds.
    total_watch_time: u64,
}

async fn handle_list(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Search(claimed): Search<Claimed>,
    cached: Conditional,
) -> Answer {
    let table = &app.platform.table;
    let member = auth::ensure(table, &subject, now).await?;
    claimed.check(&member)?;
    let body = async {
        let watched = store::watched(table, member.tg_id).await?.into_iter();
        let mut progress: Vec<_> =
            watched.map(|watched| UserContentProgress::of(watched, &member)).collect();
        progress.sort_by(|one, other| {
            other.completed_at.cmp(&one.completed_at).then(one.video_id.cmp(&other.video_id))
        });
        Ok(succeeded(ProgressList { progress }))
    };
    cached.answer(&[&member.version.to_string()], body).await
}

async fn handle_stats(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Search(claimed): Search<Claimed>,
    cached: Conditional,
) -> Answer {
    let tally_at = Tally::key_of(subject.telegram_id);
    let ground = store::ground(&app, &subject, [tally_at.clone()], now).await?;
    claimed.check(&ground.member)?;
    let tally: Tally = ground.rows.get(&tally_at)?.unwrap_or_default();
    let read = store::as_read(&tally)?;
    let stats = WatchSums {
        total_watched: tally.videos,
        total_energies: tally.video_energies,
        total_watch_time: tally.video_seconds,
    };
    let body = async { Ok(succeeded(WatchStats { stats })) };
    cached.answer(&[&ground.member.version.to_string(), &read], body).await
}

/// What was watched.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Completed {
    video_id: String,
    /// 0 to 86400.
    watch_time_seconds: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CompletedAnswer {
    progress: UserContentProgress,
    /// 0 for a video that was completed before.
    energies_earned: u32,
}

async fn handle_complete(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Json(completed): Json<Completed>,
) -> Answer {
    let seconds = completed.watch_time_seconds.unwrap_or_default();
    let seconds = Some(seconds).filter(|seconds| (0..=SECONDS_MAX).contains(seconds));
    let seconds = seconds.and_then(|seconds| u32::try_from(seconds).ok());
    let invalid = || Problem::invalid("watchTimeSeconds", "0 to 86400");
    let seconds = seconds.ok_or_else(invalid)?;
    store::check_id(&completed.video_id, UNKNOWN)?;
    let earns = AtomicBool::new(true);
    let watched = (completed.video_id.as_str(), seconds);
    success(optimistic(|| round(&app, &subject, watched, &earns, now)).await?)
}

/// One batch read; of a video that is new to the member two reads more, the achievements and one
/// transaction. `earns` turns false where its energies were given before, by somebody else's hand.
async fn round(
    app: &App,
    subject: &Subject,
    (video_id, seconds): (&str, u32),
    earns: &AtomicBool,
    now: Instant,
) -> Result<Round<CompletedAnswer>> {
    let (table, tg_id) = (&app.platform.table, subject.telegram_id);
    let (place_at, own_at) =
        (Place::key_of(Part::Video, video_id), Watched::key_of(tg_id, video_id));
    let more = [place_at.clone(), own_at.clone()];
    let ground = store::ground(app, subject, more, now).await?;
    let member = &ground.member;
    auth::paid(member, now)?;
    if let Some(watched) = ground.rows.get::<Watched>(&own_at)? {
        let progress = UserContentProgress::of(watched, member);
        return Ok(Round::Done(CompletedAnswer { progress, energies_earned: 0 }));
    }
    let unknown = || Problem::not_found(UNKNOWN);
    let place: Place = ground.rows.get(&place_at)?.ok_or_else(unknown)?;
    let (item_at, video_at) = (ContentItem::key_of(&place.within), place.leads_to());
    let rows = table.batch(&[item_at.clone(), video_at.clone()]).await?;
    let item: Option<ContentItem> = rows.get(&item_at)?;
    item.filter(|item| item.is_published).ok_or_else(unknown)?;
    let video: Video = rows.get(&video_at)?.ok_or_else(unknown)?;
    // A section that is deleted leaves its videos where they were.
    let section_at = ContentSection::key_of(&place.within, &video.content_section_id);
    table.get::<ContentSection>(&section_at).await?.ok_or_else(unknown)?;
    let award = Award::video(video_id, &video.title);
    let award = Some(&award).filter(|_| earns.load(Ordering::Relaxed));
    let achievements = gamification::achievements(table).await?;
    let earned = earning(member, award, &Activity::Video, &achievements, now);
    let watched = Watched {
        id: ids::uuid(),
        tg_id,
        video_id: video_id.to_owned(),
        content_item_id: place.within,
        seconds,
        energies: earned.energies,
        at: now,
    };
    let mut writes =
        vec![Write::insert("watched", &watched), Tally::watched(tg_id, seconds, earned.energies)];
    writes.extend(earned.writes);
    let Err(error) = table.transact(writes).await else {
        let progress = UserContentProgress::of(watched, member);
        return Ok(Round::Done(CompletedAnswer { progress, energies_earned: earned.energies }));
    };
    let refusal = error.refusal()?;
    if refusal.is_only("entry") {
        earns.store(false, Ordering::Relaxed);
    }
    Ok(Round::Stale)
}

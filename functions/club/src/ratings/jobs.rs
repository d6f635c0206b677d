//! The stream consumer that keeps contributions, and the publisher.

use serde::Serialize;
use shared::clock::Instant;
use shared::function::{Function, Invocation};
use shared::lease::Lease;
use shared::problem::Result;
use shared::retry;
use shared::stream::Change;
use shared::table::Table;
use shared::telemetry;

use super::ladder::Ladder;
use super::lists::{
    CityRow, TOP, TeamRow, best_members, cities_in_order, most_experienced, ranked_teams,
    teams_in_order,
};
use super::model::{Contribution, ListedTeam, TeamTotal};
use super::published::{
    self, CityList, Generation, LeaderList, Places, Tag, TeamList, VeteranList,
};
use super::store;
use crate::App;
use crate::auth::Member;
use crate::shift::Shift;

/// How many more than are shown are looked at, since some may be out of date in the index.
const SPARE: usize = 20;
/// How often the leaders are read anew while the index is behind the counts.
const READINGS: u32 = 4;

/// Changes of members, from the change stream.
#[must_use]
pub fn aggregate() -> Function<App> {
    Function::<App>::stream("club-ratings-aggregate", &["Member"], run_aggregate)
        .summary("Keeps each member's contribution to the ratings")
}

/// Five minutes past each hour.
#[must_use]
pub fn publish() -> Function<App> {
    Function::<App>::schedule("club-ratings-publish", "cron(5 * * * ? *)", run_publish)
        .summary("Publishes a new generation of all ratings")
}

async fn run_aggregate(app: App, invocation: Invocation, change: Change) -> Result<()> {
    let Some(image) = change.new else { return Ok(()) };
    let member: Member = image.read()?;
    store::apply(&app.platform.table, &member, invocation.now, None).await
}

/// What a run has done.
#[derive(Debug, Default, Serialize)]
pub(super) struct Published {
    /// Was another run under way, so that this one did nothing?
    lease_held: bool,
    /// Is there a new generation?
    published: bool,
    generation: i64,
    /// When the generation was made.
    generated_at: Option<Instant>,
    /// Members whose paid time had run out.
    expired: usize,
    /// Members in this generation.
    members: u64,
    cities: usize,
    teams: usize,
}

async fn run_publish(app: App, invocation: Invocation) -> Result<Published> {
    let Some(shift) = Shift::begin(&app, "ratings_publish", &invocation).await? else {
        return Ok(Published { lease_held: true, ..Published::default() });
    };
    let published = publish_next(&app, &shift.lease, invocation.now).await;
    shift.end(&app).await;
    published
}

async fn publish_next(app: &App, lease: &Lease, now: Instant) -> Result<Published> {
    let table = &app.platform.table;
    let last = published::tag(table).await?;
    if let Some(last) = &last {
        let age = u64::try_from(now.since(last.generated_at).as_secs()).unwrap_or_default();
        telemetry::metrics(&app.platform, &[("ratings_age_s", age)]);
    }
    match last {
        // A schedule that comes twice or late.
        Some(Tag { generation, generated_at }) if generated_at >= now => {
            let generated_at = Some(generated_at);
            Ok(Published { generation, generated_at, ..Published::default() })
        }
        last => {
            // Its second names a generation; another one of the same second is the next.
            let next = last.map_or(0, |last| last.generation.saturating_add(1));
            let tag = Tag { generation: now.seconds().max(next), generated_at: now };
            publish_generation(table, tag, lease).await
        }
    }
}

/// Everything of one generation, in the order in which it has to be there.
pub(super) async fn publish_generation(
    table: &Table,
    tag: Tag,
    lease: &Lease,
) -> Result<Published> {
    let expired = expire(table, tag.generated_at, lease).await?;
    let cities = cities_in_order(store::city_totals(table).await?);
    let (teams, team_places) = teams(table).await?;
    let ladder = store::ladder(table).await?;
    let leaders = best_members(leaders(table, &ladder).await?);
    let veterans = most_experienced(store::experienced(table).await?);
    let city_places: Places =
        cities.iter().map(|(rank, total)| (total.city_key.clone(), *rank)).collect();
    let directory =
        published::put_ranks(table, &tag, &ladder, (&city_places, &team_places), lease).await?;
    let (generation, generated_at) = (tag.generation, Some(tag.generated_at));
    let members = directory.total;
    let city_rows = cities.iter().take(TOP).map(CityRow::of).collect();
    let all = Generation {
        directory,
        cities: CityList { tag: tag.clone(), rows: city_rows },
        teams: TeamList { tag: tag.clone(), rows: teams },
        leaders: LeaderList { tag: tag.clone(), rows: leaders },
        veterans: VeteranList { tag, rows: veterans },
    };
    let published = published::publish(table, &all, lease).await?;
    let (cities, teams) = (city_places.len(), team_places.len());
    Ok(Published {
        lease_held: false,
        published,
        generation,
        generated_at,
        expired,
        members,
        cities,
        teams,
    })
}

/// Takes those out whose paid time was over at `now`, each as the member stands: who has paid
/// meanwhile stays, even if the stream has not told yet.
async fn expire(table: &Table, now: Instant, lease: &Lease) -> Result<usize> {
    let run_out = store::run_out(table, now).await?;
    for member in store::members(table, &run_out).await? {
        store::apply(table, &member, now, Some(lease)).await?;
    }
    Ok(run_out.len())
}

/// The best members. The index that finds them may lag, the counts do not: as long as the scores
/// differ, it is read again, a few times.
async fn leaders(table: &Table, ladder: &Ladder) -> Result<Vec<Contribution>> {
    let expected = ladder.highest(TOP);
    let mut found = Vec::new();
    for reading in 1..=READINGS {
        found = store::candidates(table, TOP + SPARE).await?;
        let mut scores: Vec<i64> =
            found.iter().filter(|member| member.counted).map(|member| member.energies).collect();
        scores.sort_unstable_by(|a, b| b.cmp(a));
        scores.truncate(TOP);
        if scores == expected {
            return Ok(found);
        }
        retry::pause(reading).await;
    }
    tracing::warn!(
        expected = expected.len(),
        found = found.len(),
        "the index of leaders is behind"
    );
    Ok(found)
}

/// The rows of the best teams, and the places of all. A team that is not active any more loses its
/// members with that, so that only what is listed is looked at: a hundred rows with each read,
/// until a hundred active teams are found.
async fn teams(table: &Table) -> Result<(Vec<TeamRow>, Places)> {
    let ordered = teams_in_order(store::team_totals(table).await?);
    let (mut kept, mut known): (Vec<TeamTotal>, Vec<ListedTeam>) = (Vec::new(), Vec::new());
    let mut rest = ordered.as_slice();
    while known.len() < TOP && !rest.is_empty() {
        let (some, more) = rest.split_at(rest.len().min(TOP));
        let keys: Vec<_> = some.iter().map(|total| ListedTeam::key_of(&total.team_id)).collect();
        let rows = table.batch(&keys).await?;
        for (total, key) in some.iter().zip(&keys) {
            let team: Option<ListedTeam> = rows.get(key)?;
            if let Some(team) = team.filter(|team| team.is_active) {
                kept.push(total.clone());
                known.push(team);
            }
        }
        rest = more;
    }
    kept.extend_from_slice(rest);
    let ranked = ranked_teams(kept);
    let row = |((rank, total), team): (&(u64, TeamTotal), ListedTeam)| TeamRow {
        rank: *rank,
        id: total.team_id.clone(),
        name: team.name,
        city: Some(team.city),
        number: Some(team.number.into()),
        energies: total.energies,
        members: total.members,
    };
    let rows = ranked.iter().zip(known).take(TOP).map(row).collect();
    Ok((rows, ranked.iter().map(|(rank, total)| (total.team_id.clone(), *rank)).collect()))
}

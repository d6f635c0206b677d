//! Jobs that keep teams true: those who have left Telegram's chats, and those who do nothing.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::function::{Function, Invocation};
use shared::problem::{Problem, Result, chain};
use shared::table::{Cursor, Entity, Key, Table, Write};
use shared::telegram::members::ChatMember;
use shared::telegram::user::{ChatId, TelegramId};
use shared::telegram::{BotApi, SendError};
use std::collections::BTreeMap;

use super::model::{Membership, Team};
use super::places::{self, Which};
use super::store::{self, Memory};
use crate::auth::{Member, TeamRole, member_key};
use crate::outbox::{self, Message};
use crate::shift::Shift;
use crate::wire::LEASE_LOST;
use crate::{App, energies, texts};

/// How long a member is left alone who may not be in the chat yet.
const NEW: SignedDuration = SignedDuration::from_hours(3 * 24);
/// How long a member may do nothing.
const IDLE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Teams of one page.
const PAGE: u32 = 25;

/// Every day at five in the morning of Moscow.
#[must_use]
pub fn sync() -> Function<App> {
    Function::<App>::schedule("club-teams-sync", "cron(0 2 * * ? *)", run_sync)
        .summary("Closes the places of members who have left the chats of their teams")
        .needs("TELEGRAM_BOT_TOKEN")
}

/// Every day at six in the morning of Moscow.
#[must_use]
pub fn cleanup() -> Function<App> {
    Function::<App>::schedule("club-teams-cleanup", "cron(0 3 * * ? *)", run_cleanup)
        .summary("Closes the places of members who have not reported for thirty days")
}

/// What a run has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Looked {
    /// Was another run under way, so that this one did nothing?
    lease_held: bool,
    /// Places that were closed.
    closed: usize,
    /// Members who have to be looked at again by the next run, as something failed.
    failed: usize,
    /// Was every team looked at since the pass began?
    complete: bool,
}

/// How far a job has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    job: String,
    /// After which team; none yet when absent.
    after: Option<BTreeMap<String, String>>,
}

impl Place {
    fn key_of(job: &str) -> Key {
        Key::new(format!("JOB#{job}"), "PLACE")
    }
}

impl Entity for Place {
    const KIND: &'static str = "TeamsPlace";

    fn key(&self) -> Key {
        Self::key_of(&self.job)
    }
}

async fn run_sync(app: App, invocation: Invocation) -> Result<Looked> {
    let bot = outbox::bot(&app)?;
    run(&app, "team_sync", &invocation, Work::Sync(bot)).await
}

async fn run_cleanup(app: App, invocation: Invocation) -> Result<Looked> {
    run(&app, "team_inactive_cleanup", &invocation, Work::Cleanup).await
}

/// What a job looks for.
enum Work {
    Sync(BotApi),
    Cleanup,
}

async fn run(app: &App, job: &str, invocation: &Invocation, work: Work) -> Result<Looked> {
    let Some(shift) = Shift::begin(app, job, invocation).await? else {
        return Ok(Looked { lease_held: true, ..Looked::default() });
    };
    let mut done = Looked::default();
    let worked = pass(app, job, &shift, &work, invocation.now, &mut done).await;
    shift.end(app).await;
    worked.map(|()| done)
}

/// Goes on from the place of the last run until every team was seen or time is up.
async fn pass(
    app: &App,
    job: &str,
    shift: &Shift,
    work: &Work,
    now: Instant,
    done: &mut Looked,
) -> Result<()> {
    let table = &app.platform.table;
    let kept: Option<Place> = table.get(&Place::key_of(job)).await?;
    let mut after = kept.and_then(|place| place.after);
    let begun_at = after.clone();
    loop {
        let cursor = after.clone().map(Cursor::restore);
        let (teams, next) = store::page(table, cursor, PAGE).await?;
        for team in &teams {
            if shift.is_over() || !look(app, shift, work, team, now, done).await? {
                return keep(table, job, shift, begun_at, after).await;
            }
            after = Some(store::after(team));
        }
        after = next.map(|next| next.stored());
        if after.is_none() {
            done.complete = done.failed == 0;
            return keep(table, job, shift, begun_at, None).await;
        }
    }
}

/// Keeps where this run stopped, unless it was overtaken.
async fn keep(
    table: &Table,
    job: &str,
    shift: &Shift,
    begun_at: Option<BTreeMap<String, String>>,
    after: Option<BTreeMap<String, String>>,
) -> Result<()> {
    if after == begun_at {
        return Ok(());
    }
    let place = Place { job: job.to_owned(), after };
    Ok(table.transact(vec![shift.lease.fence(), Write::put("place", &place)]).await?)
}

/// What a look at a place came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// It was closed.
    Closed,
    /// It stays.
    Stays,
    /// Nothing: Telegram answers no more for a while.
    Nothing,
}

/// Looks at the members of one team. Has it come to all of them?
async fn look(
    app: &App,
    shift: &Shift,
    work: &Work,
    team: &Team,
    now: Instant,
    done: &mut Looked,
) -> Result<bool> {
    let table = &app.platform.table;
    for place in store::memberships(table, &team.id).await? {
        if shift.is_over() {
            return Ok(false);
        }
        let found = match work {
            Work::Sync(bot) => sync_one(app, shift, bot, team, &place, now).await,
            Work::Cleanup => clean_one(app, shift, team, &place, now).await,
        };
        match found {
            Ok(Found::Nothing) => return Ok(false),
            Ok(found) => done.closed += usize::from(found == Found::Closed),
            Err(problem) if problem.code() == LEASE_LOST => return Err(problem),
            Err(problem) => give_up(&problem, &place, done),
        }
    }
    Ok(true)
}

impl Found {
    fn of(left: Option<&Team>) -> Self {
        if left.is_some() { Self::Closed } else { Self::Stays }
    }
}

/// One that fails keeps no other from its turn.
fn give_up(problem: &Problem, place: &Membership, done: &mut Looked) {
    let (error, team_id, member_id) = (chain(problem), &place.team_id, &place.user_id);
    tracing::error!(%error, %team_id, %member_id, "a place was not looked at");
    done.failed += 1;
}

/// Closes the place of who is certainly not in the chat. Only Telegram's own word that the person
/// is not there counts: no error does. Told to wait, the run ends where it is.
async fn sync_one(
    app: &App,
    shift: &Shift,
    bot: &BotApi,
    team: &Team,
    place: &Membership,
    now: Instant,
) -> Result<Found> {
    #[derive(Serialize)]
    struct Body {
        chat_id: ChatId,
        user_id: TelegramId,
    }
    let (Some(chat), Some(user)) = (team.tg_chat_id, TelegramId::new(place.tg_id)) else {
        return Ok(Found::Stays);
    };
    if now.since(place.joined_at) <= NEW {
        return Ok(Found::Stays);
    }
    let body = Body { chat_id: ChatId(chat), user_id: user };
    let asked: std::result::Result<ChatMember, SendError> = bot.call("getChatMember", &body).await;
    match asked {
        Ok(found) if is_gone(&found) => {}
        Ok(_) => return Ok(Found::Stays),
        Err(error) => {
            tracing::warn!(%error, team_id = %team.id, "not known who is in a chat");
            let waits = matches!(error, SendError::RetryAfter { .. });
            return Ok(if waits { Found::Nothing } else { Found::Stays });
        }
    }
    let fence = [shift.lease.fence()];
    let table = &app.platform.table;
    let which = Which::In(&team.id);
    let left = places::close_with(table, place.tg_id, which, Memory::Lost, &fence, now).await?;
    Ok(Found::of(left.as_ref()))
}

fn is_gone(found: &ChatMember) -> bool {
    use shared::telegram::members::MemberStatus::{Kicked, Left, Restricted};
    matches!(found.status, Left | Kicked) || (found.status == Restricted && !found.is_member)
}

/// Closes the place of an ordinary, paid member who has been in the team for thirty days and has
/// not reported in them, and tells the member once.
async fn clean_one(
    app: &App,
    shift: &Shift,
    team: &Team,
    place: &Membership,
    now: Instant,
) -> Result<Found> {
    if place.role != TeamRole::Member || now.since(place.joined_at) <= IDLE {
        return Ok(Found::Stays);
    }
    let table = &app.platform.table;
    let member: Option<Member> = table.get(&member_key(place.tg_id)).await?;
    if !member.is_some_and(|member| member.is_paid(now)) {
        return Ok(Found::Stays);
    }
    if energies::has_reported(table, place.tg_id, now - IDLE).await? {
        return Ok(Found::Stays);
    }
    let told = Message::Answer { tg_id: place.tg_id, text: texts::team_inactive(&team.name) };
    let id = format!("team_inactive:{}:{}:{}", team.id, place.tg_id, place.joined_at);
    let also = [outbox::ask(&id, &told, now)?, shift.lease.fence()];
    let which = Which::In(&team.id);
    let left = places::close_with(table, place.tg_id, which, Memory::Lost, &also, now).await?;
    Ok(Found::of(left.as_ref()))
}

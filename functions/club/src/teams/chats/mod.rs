//! The chats of teams: the bot comes, goes and moves with them, and so do their members.
//!
//! Whoever makes the bot an administrator of a group founds a team there, or is told why not, and
//! the bot leaves. What Telegram tells out of turn is older than what the team knows, and has no
//! effect.

mod asked;

use shared::clock::Instant;
use shared::problem::Result;
use shared::retry::{Round, optimistic};
use shared::table::{Table, Write};
use shared::telegram::TelegramUpdate;
use shared::telegram::members::{ChatMember, ChatMemberUpdated, MemberStatus};
use shared::telegram::updates::ChatKind;
use shared::telegram::user::ChatId;

pub use asked::{link, say_and_leave};

use super::founding::with_first;
use super::model::{Founding, NoFounder, Team, Told, may_found};
use super::places::{self, Seat, Which};
use super::store::{self, Memory, Numbers, TeamChat};
use crate::auth::{self, Member, TeamRole};
use crate::outbox::{self, Message};
use crate::{App, energies, texts};

/// Ids of supergroups are below this, those of small groups above.
const SUPERGROUPS: i64 = -1_000_000_000_000;

/// Is this the chat of an active team? Two reads; one where it is no team's.
///
/// # Errors
/// When the store does not answer.
pub async fn is_teams(table: &Table, chat: ChatId) -> Result<bool> {
    Ok(store::of_chat(table, chat.0).await?.is_some_and(|team| team.is_active))
}

/// Does the bot belong into this chat by now: an active team's, or a city's? Three reads at most.
///
/// # Errors
/// When the store does not answer.
pub async fn stays(table: &Table, chat: ChatId) -> Result<bool> {
    Ok(is_teams(table, chat).await? || energies::is_city_chat(table, chat.0).await?)
}

/// The bot's own place in a group has changed.
///
/// # Errors
/// When the store does not answer.
pub async fn hears_of_bot(
    app: &App,
    change: &ChatMemberUpdated,
    once: TelegramUpdate,
    now: Instant,
) -> Result<()> {
    let is_group = matches!(change.chat.kind, ChatKind::Group | ChatKind::Supergroup);
    let chat = change.chat.id.0;
    let others =
        app.outbox.protected_chats.contains(&chat) || app.outbox.admin_chat_id == Some(chat);
    if !is_group || others {
        return Ok(());
    }
    let place = &change.new_chat_member;
    if !matches!(
        place.status,
        MemberStatus::Administrator | MemberStatus::Left | MemberStatus::Kicked
    ) {
        return Ok(());
    }
    // The bot may have gone and come again since: what is told again has no effect any more.
    let told = TelegramUpdate::key_of(once.update_id);
    if app.platform.table.get_item(&told).await?.is_some() {
        return Ok(());
    }
    match place.status {
        MemberStatus::Administrator => arrived(app, change, once, now).await,
        _ => removed(app, change, once, now).await,
    }
}

/// Writes the effect of an update; nothing where it had it before. Was it refused for another
/// reason, and has to be judged anew?
async fn effect(table: &Table, writes: Vec<Write>) -> Result<Round<()>> {
    let Err(error) = table.transact(writes).await else { return Ok(Round::Done(())) };
    let refusal = error.refusal()?;
    let had_it = refusal.has(shared::telegram::taken::WRITE);
    Ok(if had_it { Round::Done(()) } else { Round::Stale })
}

fn word(change: &ChatMemberUpdated, once: TelegramUpdate) -> Told {
    Told { date_s: change.date_s, update_id: once.update_id }
}

fn rules(place: &ChatMember) -> bool {
    place.can_restrict_members && place.can_invite_users
}

/// The bot is an administrator of a group.
async fn arrived(
    app: &App,
    change: &ChatMemberUpdated,
    once: TelegramUpdate,
    now: Instant,
) -> Result<()> {
    let (table, chat, told) = (&app.platform.table, change.chat.id.0, word(change, once));
    optimistic(|| async {
        let team = store::of_chat(table, chat).await?;
        let founder = auth::find(table, change.from.id.get()).await?;
        match team {
            Some(team) if told < team.told() => Ok(Round::Done(())),
            // Where the team is active by this very word, a run that died has left the rest.
            Some(team) if team.is_active && told > team.told() => {
                is_there(app, &team, change, once, now).await
            }
            Some(_) if !rules(&change.new_chat_member) => {
                refuse(app, change, texts::CHAT_NO_RIGHTS, once, now).await
            }
            Some(team) => revive(app, &team, founder.as_ref(), change, once, now).await,
            // A group that has grown has another id, and may tell of it later.
            None if grows(table, founder.as_ref(), chat).await? => Ok(Round::Done(())),
            None if energies::is_city_chat(table, chat).await? => Ok(Round::Done(())),
            None => {
                let reason = match may_found(founder.as_ref(), now) {
                    Ok(_) if !rules(&change.new_chat_member) => texts::CHAT_NO_RIGHTS,
                    Ok(founder) => return found(app, founder, change, once, now).await,
                    Err(reason) => reason.text(),
                };
                refuse(app, change, reason, once, now).await
            }
        }
    })
    .await
}

impl NoFounder {
    /// Why somebody cannot found a team, as people read it.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Unpaid => texts::FOUNDER_UNPAID,
            Self::NotAllowed => texts::FOUNDER_NOT_ALLOWED,
            Self::NoCity => texts::DECADE_NO_CITY,
            Self::Leads => texts::FOUNDER_LEADS,
        }
    }
}

/// May this supergroup be what the small group of somebody's team has become? Whoever of the team
/// has upgraded it is told to have made the bot an administrator there. One read at most.
async fn grows(table: &Table, member: Option<&Member>, chat: i64) -> Result<bool> {
    let id = member.and_then(|member| member.team_id.as_ref()).filter(|_| chat < SUPERGROUPS);
    let Some(id) = id else { return Ok(false) };
    let own = store::find(table, id).await?.and_then(|team| team.tg_chat_id);
    Ok(own.is_some_and(|own| own > SUPERGROUPS))
}

/// A new team of the founder's city, led by the founder. Who has a place elsewhere gives it up
/// first. One read and one transaction of eight items.
async fn found(
    app: &App,
    founder: &Member,
    change: &ChatMemberUpdated,
    once: TelegramUpdate,
    now: Instant,
) -> Result<Round<()>> {
    let table = &app.platform.table;
    if founder.team_id.is_some() {
        places::close(table, founder.tg_id, Which::Any, Memory::Lost, now).await?;
        return Ok(Round::Stale);
    }
    let (Some(city), Some(city_key)) = (&founder.city, &founder.city_key) else {
        return Ok(Round::Done(()));
    };
    let founding = Founding {
        city: city.clone(),
        city_key: city_key.clone(),
        tg_chat_id: Some(change.chat.id.0),
        told: word(change, once),
        ..Founding::default()
    };
    let numbers: Option<Numbers> = table.get(&Numbers::key_of(city_key)).await?;
    let (number, taken) = Numbers::next(numbers.as_ref(), city_key);
    let team = Team::new(founding, number, now).begun_by(founder, TeamRole::Leader);
    let mut writes = vec![once.once()];
    writes.extend(with_first(&team, taken, founder, TeamRole::Leader, now));
    writes.push(wants_link(&team.id, change.chat.id.0, once, now)?);
    effect(table, writes).await
}

fn wants_link(team_id: &str, chat: i64, once: TelegramUpdate, now: Instant) -> Result<Write> {
    let message = Message::InviteLink { team_id: team_id.to_owned(), chat };
    outbox::ask(&format!("invite_link:{}", once.update_id), &message, now)
}

/// The bot is in the chat of a team that nobody has heard it was out of: what was told of that
/// before comes too late. With a new appointment goes a new link. One transaction of three or four
/// items.
async fn is_there(
    app: &App,
    team: &Team,
    change: &ChatMemberUpdated,
    once: TelegramUpdate,
    now: Instant,
) -> Result<Round<()>> {
    let mut writes = vec![once.once()];
    writes.extend(store::hearing(team, word(change, once)));
    if change.old_chat_member.status != MemberStatus::Administrator {
        writes.push(wants_link(&team.id, change.chat.id.0, once, now)?);
    }
    effect(&app.platform.table, writes).await
}

/// The team of a chat is there again; whoever has brought the bot back leads it, where that can be.
async fn revive(
    app: &App,
    team: &Team,
    founder: Option<&Member>,
    change: &ChatMemberUpdated,
    once: TelegramUpdate,
    now: Instant,
) -> Result<Round<()>> {
    let (table, told) = (&app.platform.table, word(change, once));
    if !team.is_active {
        // Places that the end of the team was to close and has not come to.
        close_all(table, team, now).await?;
        let Some(team) = store::find(table, &team.id).await? else { return Ok(Round::Done(())) };
        let revived = store::reviving(&team, told);
        if matches!(effect(table, revived).await?, Round::Stale) {
            return Ok(Round::Stale);
        }
    }
    let writes = vec![once.once(), wants_link(&team.id, change.chat.id.0, once, now)?];
    let Some(leader) = may_found(founder, now).ok().filter(|leader| leader.team_id.is_none())
    else {
        return effect(table, writes).await;
    };
    let Some(team) = store::find(table, &team.id).await? else { return Ok(Round::Done(())) };
    let by = (TeamRole::Leader, Some(told));
    match places::take_by(table, &team, leader, by, &writes, now).await? {
        Seat::Taken(_) => Ok(Round::Done(())),
        Seat::Gone => effect(table, writes).await,
        Seat::Stale => {
            let again = auth::find(table, leader.tg_id).await?;
            match again.is_some_and(|again| again.team_id.is_some()) {
                true => effect(table, writes).await,
                false => Ok(Round::Stale),
            }
        }
    }
}

/// The bot says why there is no team here, and leaves. One transaction of two items.
async fn refuse(
    app: &App,
    change: &ChatMemberUpdated,
    reason: &str,
    once: TelegramUpdate,
    now: Instant,
) -> Result<Round<()>> {
    let message = Message::LeaveChat { chat: change.chat.id.0, text: reason.to_owned() };
    let asked = outbox::ask(&format!("leave_chat:{}", once.update_id), &message, now)?;
    effect(&app.platform.table, vec![once.once(), asked]).await
}

/// The bot is out of a group: its team ends, then the places in it are closed one by one, and the
/// update has had its effect after the last of them.
async fn removed(
    app: &App,
    change: &ChatMemberUpdated,
    once: TelegramUpdate,
    now: Instant,
) -> Result<()> {
    let (table, chat, told) = (&app.platform.table, change.chat.id.0, word(change, once));
    optimistic(|| async {
        let Some(team) = store::of_chat(table, chat).await? else { return Ok(Round::Done(())) };
        if told < team.told() {
            return Ok(Round::Done(()));
        }
        let heard = match team.is_active {
            true => store::ending(&team, told, now),
            // What was told of its return between is older than this.
            false if told > team.told() => store::hearing(&team, told),
            false => Vec::new(),
        };
        if !heard.is_empty() && matches!(effect(table, heard).await?, Round::Stale) {
            return Ok(Round::Stale);
        }
        close_all(table, &team, now).await?;
        effect(table, vec![once.once()]).await
    })
    .await
}

/// Closes every place of a team for as long as it has ended. The members may have them back when it
/// is there again.
async fn close_all(table: &Table, team: &Team, now: Instant) -> Result<()> {
    for place in store::memberships(table, &team.id).await? {
        places::close(table, place.tg_id, Which::Ended(&team.id), Memory::Kept, now).await?;
    }
    Ok(())
}

/// A group has become a supergroup, with another id: its team goes with it. One read, and two and a
/// transaction of six items where it is a team's.
///
/// # Errors
/// When the store does not answer.
pub async fn moved(
    app: &App,
    from: ChatId,
    to: ChatId,
    once: TelegramUpdate,
    now: Instant,
) -> Result<()> {
    let table = &app.platform.table;
    optimistic(|| async {
        let Some(team) = store::of_chat(table, from.0).await? else { return Ok(Round::Done(())) };
        if table.get::<TeamChat>(&TeamChat::key_of(to.0)).await?.is_some() {
            tracing::error!(from = from.0, to = to.0, "a team's chat has become another team's");
            return Ok(Round::Done(()));
        }
        let mut writes = vec![once.once()];
        writes.extend(store::moving(&team, from.0, to.0));
        writes.push(wants_link(&team.id, to.0, once, now)?);
        effect(table, writes).await
    })
    .await
}

/// Somebody's place in the chat of a team has changed. Who has gone gives up the place in the team;
/// who has come by the team's link, is paid and waits for a team has one now, if there is one.
///
/// # Errors
/// When the store does not answer.
pub async fn people(
    app: &App,
    change: &ChatMemberUpdated,
    once: TelegramUpdate,
    now: Instant,
) -> Result<()> {
    let place = &change.new_chat_member;
    if place.user.is_bot || !(change.joined() || change.left()) {
        return Ok(());
    }
    let table = &app.platform.table;
    let team = store::of_chat(table, change.chat.id.0).await?.filter(|team| team.is_active);
    let (Some(team), tg_id) = (team, place.user.id.get()) else { return Ok(()) };
    let told = word(change, once);
    if change.left() {
        let (which, also) = (Which::Before(&team.id, told), [once.once()]);
        return places::close_with(table, tg_id, which, Memory::Lost, &also, now).await.map(|_| ());
    }
    admitted(table, &team, tg_id, (told, once), now).await
}

/// Gives a place to who has come into the chat of a team of the own city; the place that somebody
/// has there stands by it.
async fn admitted(
    table: &Table,
    team: &Team,
    tg_id: i64,
    (told, once): (Told, TelegramUpdate),
    now: Instant,
) -> Result<()> {
    optimistic(|| async {
        let Some(member) = auth::find(table, tg_id).await? else { return Ok(Round::Done(())) };
        if member.team_id.as_ref() == Some(&team.id) {
            return match store::place(table, &team.id, tg_id).await? {
                Some(place) if place.outlives(told) => Ok(Round::Done(())),
                Some(place) => effect(table, vec![once.once(), store::noting(&place, told)]).await,
                None => Ok(Round::Stale),
            };
        }
        let fits = member.is_paid(now)
            && member.team_id.is_none()
            && member.city_key.as_ref() == Some(&team.city_key);
        if !fits {
            return Ok(Round::Done(()));
        }
        let (by, also) = ((TeamRole::Member, Some(told)), [once.once()]);
        match places::take_by(table, team, &member, by, &also, now).await? {
            Seat::Taken(_) | Seat::Gone => Ok(Round::Done(())),
            Seat::Stale => {
                let had_it = table.get_item(&TelegramUpdate::key_of(once.update_id)).await?;
                Ok(if had_it.is_some() { Round::Done(()) } else { Round::Stale })
            }
        }
    })
    .await
}

//! Members in the table.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::http::{Credential, Subject};
use shared::problem::{Problem, Result};
use shared::table::{Entity, Key, Rows, Table, Write};
use shared::telegram::{TelegramUser, Utm};

use super::model::{Member, MemberId};
use crate::texts;

/// Where the member with this Telegram id is.
#[must_use]
pub fn member_key(tg_id: i64) -> Key {
    Key::new(format!("MEMBER#{tg_id}"), "MEMBER")
}

/// Makes the opaque id unique and leads from it to the member.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct MemberPointer {
    id: MemberId,
    pub(super) tg_id: i64,
}

/// Characters of an opaque id.
const UUID_LENGTH: usize = 36;

impl MemberPointer {
    fn key_of(id: &str) -> Key {
        Key::new(format!("MEMBERID#{id}"), "POINTER")
    }

    /// Where the pointer of this id is; nowhere for what can be no id, as a key has a length that
    /// the table takes.
    pub(super) fn of_id(id: &str) -> Option<Key> {
        (id.len() == UUID_LENGTH).then(|| Self::key_of(id))
    }
}

impl Entity for MemberPointer {
    const KIND: &'static str = "MemberPointer";

    fn key(&self) -> Key {
        Self::key_of(&self.id)
    }
}

/// A city that some member has named: all who mean the same are shown the same name.
#[derive(Debug, Serialize, Deserialize)]
struct City {
    key: String,
    name: String,
}

impl City {
    fn key_of(key: &str) -> Key {
        Key::new(format!("CITY#{key}"), "CITY")
    }

    /// How it is shown, where it is known or `name` is what it is called first.
    fn shown(known: Option<Self>, key: &str, name: &str) -> (String, Option<Write>) {
        match known {
            Some(city) => (city.name, None),
            None => {
                let city = Self { key: key.to_owned(), name: name.to_owned() };
                (city.name.clone(), Some(Write::insert("city", &city)))
            }
        }
    }
}

impl Entity for City {
    const KIND: &'static str = "City";

    fn key(&self) -> Key {
        Self::key_of(&self.key)
    }
}

/// How a city is shown, and the write that makes `name` how it is, where nobody named it before;
/// refusal `city`. One read.
///
/// # Errors
/// When the store does not answer.
pub async fn name_city(table: &Table, key: &str, name: &str) -> Result<(String, Option<Write>)> {
    let known: Option<City> = table.get(&City::key_of(key)).await?;
    Ok(City::shown(known, key, name))
}

/// What [`named_city`] looks at.
#[must_use]
pub fn city_at(key: &str) -> Key {
    City::key_of(key)
}

/// The same as [`name_city`] among rows that were read with [`city_at`].
///
/// # Errors
/// When the row is not a city's.
pub fn named_city(rows: &Rows, key: &str, name: &str) -> Result<(String, Option<Write>)> {
    let known: Option<City> = rows.get(&City::key_of(key))?;
    Ok(City::shown(known, key, name))
}

/// The member, if there is one. One read.
///
/// # Errors
/// When the store does not answer.
pub async fn find(table: &Table, tg_id: i64) -> Result<Option<Member>> {
    Ok(table.get(&member_key(tg_id)).await?)
}

/// The Telegram id of the member that somebody names by either id. One read where it is the opaque
/// one, none where it is the Telegram id itself, whose member may not exist.
///
/// # Errors
/// When the store does not answer.
pub async fn named(table: &Table, user_id: &str) -> Result<Option<i64>> {
    if let Some(tg_id) = crate::payments::telegram_id(user_id) {
        return Ok(Some(tg_id));
    }
    let Some(pointer_at) = MemberPointer::of_id(user_id) else { return Ok(None) };
    let pointer: Option<MemberPointer> = table.get(&pointer_at).await?;
    Ok(pointer.map(|pointer| pointer.tg_id))
}

/// The caller's member, created on first contact. One read; on first contact one transaction
/// more.
///
/// # Errors
/// 401 `member_gone` for a session whose member does not exist; when the store does not answer.
pub async fn ensure(table: &Table, subject: &Subject, now: Instant) -> Result<Member> {
    let key = member_key(subject.telegram_id);
    if let Some(member) = table.get(&key).await? {
        return Ok(member);
    }
    let Credential::InitData(data) = &subject.credential else {
        return Err(Problem::unauthorized("member_gone").with_error("User not found"));
    };
    create(table, &data.user, data.start_param.as_deref(), now).await
}

/// The caller's member, created on first contact, and what is under `more`. One batch read; on
/// first contact as much more as [`ensure`] takes.
///
/// # Errors
/// As [`ensure`].
pub async fn ensure_with(
    table: &Table,
    subject: &Subject,
    more: impl IntoIterator<Item = Key>,
    now: Instant,
) -> Result<(Member, Rows)> {
    let member_at = member_key(subject.telegram_id);
    let keys: Vec<Key> = std::iter::once(member_at.clone()).chain(more).collect();
    let rows = table.batch(&keys).await?;
    let member = match rows.get(&member_at)? {
        Some(member) => member,
        None => ensure(table, subject, now).await?,
    };
    Ok((member, rows))
}

/// The member of somebody whom the bot has heard of, created on first contact; `parameter` is what
/// a link has brought to `/start`. One read; on first contact one transaction more.
///
/// # Errors
/// When the store does not answer.
pub async fn meet(
    table: &Table,
    user: &TelegramUser,
    parameter: Option<&str>,
    now: Instant,
) -> Result<Member> {
    match find(table, user.id.get()).await? {
        Some(member) => Ok(member),
        None => create(table, user, parameter, now).await,
    }
}

async fn create(
    table: &Table,
    user: &TelegramUser,
    start_param: Option<&str>,
    now: Instant,
) -> Result<Member> {
    let utm = start_param.and_then(Utm::from_start_param);
    let member = Member::new(user.id.get(), Some(user), utm, now);
    match table.transact(creation(&member)).await {
        Ok(()) => Ok(member),
        // Somebody created the member meanwhile, perhaps we ourselves with a lost answer.
        Err(error) => error.refusal()?.old("member").map_or_else(
            || Err(Problem::try_again("the id of a new member was taken")),
            |item| item.read().map_err(Problem::from),
        ),
    }
}

/// The writes that create a member; refusals `member`, `member_id`.
pub(super) fn creation(member: &Member) -> Vec<Write> {
    let pointer = MemberPointer { id: member.id.clone(), tg_id: member.tg_id };
    vec![Write::insert("member", member), Write::insert("member_id", &pointer)]
}

/// Nothing, for a member whose subscription is paid at `now`.
///
/// # Errors
/// 403 `subscription_required`.
pub fn paid(member: &Member, now: Instant) -> Result<()> {
    if member.is_paid(now) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "subscription_required",
        "Subscription required",
        texts::SUBSCRIPTION_REQUIRED,
    ))
}

/// The beginning of every change of a member: refused under `member` when the member is not any
/// more as it was read.
#[must_use]
pub fn change(member: &Member, now: Instant) -> Write {
    Write::update("member", member_key(member.tg_id))
        .set("version", member.version + 1)
        .set("updated_at", now)
        .when("#version = :seen_version")
        .bind(":seen_version", member.version)
}

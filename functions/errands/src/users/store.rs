//! Users in the table.

use shared::clock::Instant;
use shared::http::{Credential, Subject};
use shared::problem::{Problem, Result};
use shared::table::{Table, Write, WriteError};
use shared::{problem, retry};

use super::profile::Profile;
use super::{User, user_key};

/// How often a write that says the same each time is tried when the table does not take it.
const TRIES: u32 = 4;

/// The caller's record, made at first sight, and renamed where Telegram says so. One read; one
/// write more at first sight and after a change of the profile.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn ensure(table: &Table, subject: &Subject, now: Instant) -> Result<User> {
    let Credential::InitData(data) = &subject.credential else {
        return Err(Problem::bug("a caller without launch data"));
    };
    let profile = Profile::of(data);
    let id = subject.telegram_id;
    match table.get::<User>(&user_key(id)).await? {
        Some(user) if profile.is_news_to(&user) => Ok(rename(table, user, profile).await),
        Some(user) => Ok(user),
        None => create(table, profile.newcomer(id, now)).await,
    }
}

/// Makes the record, unless a parallel call has made it meanwhile.
async fn create(table: &Table, user: User) -> Result<User> {
    match table.write(Write::insert("user", &user)).await {
        Ok(_) => Ok(user),
        Err(error) => match error.refusal()?.old("user") {
            Some(item) => Ok(item.read()?),
            None => Err(Problem::try_again("a new user was made and is not there")),
        },
    }
}

/// Keeps the newer profile. A call does not fail for it: the next one brings the same names.
async fn rename(table: &Table, user: User, profile: Profile) -> User {
    let write = Write::update("user", user_key(user.id))
        .set("first_name", &profile.first_name)
        .set_or_remove("last_name", profile.last_name.as_ref())
        .set_or_remove("username", profile.username.as_ref())
        .set_or_remove("language", profile.language.as_ref())
        .set("profile_at", profile.at)
        .when("#profile_at <= :at")
        .bind(":at", profile.at);
    let newer = match table.write(write).await {
        Ok(Some(item)) => item.read().ok(),
        Ok(None) => None,
        Err(WriteError::Refused(refusal)) => refusal.old("user").and_then(|item| item.read().ok()),
        Err(error) => {
            tracing::warn!(error = %problem::chain(&error), "a new name was not kept");
            None
        }
    };
    newer.unwrap_or_else(|| profile.worn_by(user))
}

/// Replaces what the user wants to hear of.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn prefer(
    table: &Table,
    id: i64,
    categories: &[String],
    cities: &[String],
) -> Result<()> {
    let write = || change(id).set("categories", categories).set("cities", cities);
    repeated(table, write).await
}

/// Changes how the user is told of new orders; what is `None` stays as it is. Whoever asks to be
/// told has not blocked the bot, or will be found out by the next notice.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn tell(
    table: &Table,
    id: i64,
    enabled: Option<bool>,
    frequency: Option<i64>,
) -> Result<()> {
    let write = || {
        let write = match enabled {
            Some(enabled) => change(id).set("notifications", enabled),
            None => change(id),
        };
        let write = if enabled == Some(true) { write.set("bot_blocked", false) } else { write };
        match frequency {
            Some(frequency) => write.set("frequency", frequency),
            None => write,
        }
    };
    repeated(table, write).await
}

/// The beginning of every change of wishes: it touches no attribute but those it sets.
fn change(id: i64) -> Write {
    Write::update("user", user_key(id)).when("attribute_exists(#pk)")
}

/// Performs a write that may be done twice. It meets the transactions of the user's orders and
/// payments, which make the table refuse it for the moment.
async fn repeated(table: &Table, write: impl Fn() -> Write) -> Result<()> {
    let mut attempt = 1;
    loop {
        match table.write(write()).await {
            Ok(_) => return Ok(()),
            Err(WriteError::Refused(_)) => return Err(Problem::bug("the caller is gone")),
            Err(error) if attempt == TRIES => return Err(error.into()),
            Err(_) => retry::pause(attempt).await,
        }
        attempt += 1;
    }
}

//! Sign-in sessions: short access tokens and rotating refresh tokens.
//!
//! A sign-in opens a *family*. Its access tokens live for an hour and name it; its refresh tokens
//! are numbered 1, 2, 3 … and each is made from the family's id, its number and our secret, so
//! that the store keeps a number and never a token. Using token *n* issues *n+1*. The same
//! successor is given again to whoever presents *n* until *n+1* was used, and for a grace period
//! beyond, since a client may have lost the answer or have two tabs. Any older token is a stolen
//! one or a bug: the family is revoked.

mod cookies;
mod family;
#[cfg(test)]
mod tests;
mod token;

use std::collections::BTreeSet;

use jiff::SignedDuration;

pub use cookies::{Clear, Cookies, SetCookies};
pub use family::Family;
pub use token::Claims;

use crate::clock::Instant;
use crate::ids;
use crate::problem::{Problem, Result};
use crate::retry::{self, Round};
use crate::settings::{Environment, Secret, SettingError};
use crate::table::{Table, Write};

/// Issues and checks the tokens of a service.
#[derive(Clone, Debug)]
pub struct Sessions {
    table: Table,
    secret: Secret,
    rules: Rules,
}

/// How long tokens live.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Of an access token.
    pub access: SignedDuration,
    /// Of a refresh token, from its last rotation.
    pub refresh: SignedDuration,
    /// How long a refresh token gives its successor again after that was used.
    pub grace: SignedDuration,
}

/// Why an access token does not count.
#[derive(Debug)]
pub enum AccessError {
    /// Not a token of ours.
    Invalid,
    /// Ours, but over. Carries its claims for a silent renewal.
    Expired(Claims),
    /// Its family was revoked.
    Revoked,
}

/// New tokens of a family.
#[derive(Clone)]
pub struct Renewal {
    /// Who they are for.
    pub claims: Claims,
    /// The access token.
    pub access_token: String,
    /// The refresh token.
    pub refresh_token: String,
    /// Seconds until the access token is over.
    pub expires_in_s: i64,
    refresh_max_age_s: i64,
}

impl std::fmt::Debug for Renewal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Renewal").field("claims", &self.claims).finish_non_exhaustive()
    }
}

impl Renewal {
    /// The cookies that carry the tokens.
    #[must_use]
    pub fn cookies(&self, secure: bool) -> SetCookies {
        SetCookies {
            access: (self.access_token.clone(), self.expires_in_s),
            refresh: (self.refresh_token.clone(), self.refresh_max_age_s),
            secure,
        }
    }
}

/// What a presented refresh token means for its family.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// The newest: issue the next.
    Rotate,
    /// An older one within its rights: give its successor again.
    Again(u64),
    /// A replay: revoke the family.
    Revoke,
}

/// The rule of rotation: `presented` against a family whose newest token is `newest`, issued when
/// its predecessor was used at `rotated_at`.
fn judge(
    newest: u64,
    rotated_at: Instant,
    presented: u64,
    grace: SignedDuration,
    now: Instant,
) -> Verdict {
    match newest.checked_sub(presented) {
        Some(0) => Verdict::Rotate,
        Some(1) => Verdict::Again(newest),
        // Its successor was used when the newest was issued.
        Some(2) if now <= rotated_at + grace => Verdict::Again(presented + 1),
        _ => Verdict::Revoke,
    }
}

impl Sessions {
    /// The sessions of a service, by its settings.
    ///
    /// # Errors
    /// When a lifetime is malformed.
    pub fn from_environment(
        environment: &Environment,
        table: Table,
        secret: Secret,
    ) -> Result<Self, SettingError> {
        let rules = Rules {
            access: SignedDuration::from_secs(environment.parse("ACCESS_TTL_S", 3600)?),
            refresh: crate::clock::days(environment.parse("REFRESH_TTL_DAYS", 30)?),
            grace: SignedDuration::from_secs(environment.parse("REFRESH_GRACE_S", 30)?),
        };
        Ok(Self { table, secret, rules })
    }

    /// The secret, for what else is sealed with it (cursors).
    #[must_use]
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Opens a family for a member: the write that does so, to be committed with the sign-in, and
    /// its first tokens.
    ///
    /// # Errors
    /// A bug, when the token cannot be signed.
    pub fn open(
        &self,
        member_id: &str,
        telegram_id: i64,
        now: Instant,
    ) -> Result<(Write, Renewal)> {
        let family = Family {
            id: ids::token(),
            member_id: member_id.to_owned(),
            telegram_id,
            newest: 1,
            rotated_at: now,
            expires_at: now + self.rules.refresh,
            revoked_at: None,
        };
        let renewal = self.tokens(&family, 1, now)?;
        Ok((Write::insert("family", &family), renewal))
    }

    /// Checks an access token: its signature, its age, and that its family lives. One read.
    ///
    /// # Errors
    /// When the store does not answer; what is wrong with the token is the inner result.
    pub async fn check(&self, token: &str, now: Instant) -> Result<Result<Claims, AccessError>> {
        let Some(claims) = token::read(token, &self.secret) else {
            return Ok(Err(AccessError::Invalid));
        };
        let family: Option<Family> = self.table.get(&Family::key_of(&claims.family)).await?;
        Ok(match family {
            None => Err(AccessError::Revoked),
            Some(family) if family.revoked_at.is_some() => Err(AccessError::Revoked),
            Some(_) if now.seconds() >= claims.expires_at_s => Err(AccessError::Expired(claims)),
            Some(_) => Ok(claims),
        })
    }

    /// Uses a refresh token: issues the next, or the same successor again. With `owner`, only
    /// that member's token is used.
    ///
    /// # Errors
    /// 401 `refresh_invalid` or `refresh_reused`; the latter revokes the family.
    pub async fn rotate(&self, token: &str, owner: Option<i64>, now: Instant) -> Result<Renewal> {
        let Some((id, presented)) = family::read_token(token, &self.secret) else {
            return Err(refused("refresh_invalid"));
        };
        retry::optimistic(|| async {
            let found: Option<Family> = self.table.get(&Family::key_of(&id)).await?;
            let family = found
                .filter(|family| family.expires_at > now && family.revoked_at.is_none())
                .filter(|family| owner.is_none_or(|owner| owner == family.telegram_id))
                .ok_or_else(|| refused("refresh_invalid"))?;
            let grace = self.rules.grace;
            match judge(family.newest, family.rotated_at, presented, grace, now) {
                Verdict::Again(number) => Ok(Round::Done(self.tokens(&family, number, now)?)),
                Verdict::Revoke => {
                    self.revoke(&family.id, now).await?;
                    Err(refused("refresh_reused"))
                }
                Verdict::Rotate => {
                    let next = family.newest + 1;
                    let write = Write::update("family", Family::key_of(&family.id))
                        .set("newest", next)
                        .set("rotated_at", now)
                        .set("expires_at", now + self.rules.refresh)
                        .set(crate::table::TTL_ATTRIBUTE, (now + self.rules.refresh).seconds())
                        .when("#newest = :seen AND attribute_not_exists(#revoked_at)")
                        .bind(":seen", family.newest);
                    match self.table.write(write).await {
                        Ok(_) => Ok(Round::Done(self.tokens(&family, next, now)?)),
                        Err(error) => error.refusal().map(|_| Round::Stale).map_err(Problem::from),
                    }
                }
            }
        })
        .await
    }

    /// Revokes a family: none of its tokens counts any more.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn revoke(&self, family: &str, now: Instant) -> Result<()> {
        let write = Write::update("family", Family::key_of(family))
            .set_once("revoked_at", now)
            .when("attribute_exists(#pk)");
        match self.table.write(write).await {
            Ok(_) => Ok(()),
            // A family that TTL has removed is as good as revoked.
            Err(error) => error.refusal().map(|_| ()).map_err(Problem::from),
        }
    }

    /// Revokes the families that the cookies of a request name, where they are `owner`'s. Two
    /// writes at most.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn revoke_named(&self, cookies: &Cookies, owner: i64, now: Instant) -> Result<()> {
        let access = cookies.access.as_deref().and_then(|token| token::read(token, &self.secret));
        let refresh = cookies.refresh.as_deref();
        let refresh = refresh.and_then(|token| family::read_token(token, &self.secret));
        let named = [access.map(|claims| claims.family), refresh.map(|(family, _)| family)];
        for family in named.into_iter().flatten().collect::<BTreeSet<_>>() {
            let write = Write::update("family", Family::key_of(&family))
                .set_once("revoked_at", now)
                .when("#telegram_id = :owner")
                .bind(":owner", owner);
            if let Err(error) = self.table.write(write).await {
                error.refusal()?;
            }
        }
        Ok(())
    }

    fn tokens(&self, family: &Family, number: u64, now: Instant) -> Result<Renewal> {
        let claims = Claims {
            member_id: family.member_id.clone(),
            telegram_id: family.telegram_id,
            family: family.id.clone(),
            token_id: ids::token(),
            issued_at_s: now.seconds(),
            expires_at_s: (now + self.rules.access).seconds(),
        };
        Ok(Renewal {
            access_token: token::write(&claims, &self.secret)?,
            refresh_token: family::write_token(&family.id, number, &self.secret),
            expires_in_s: self.rules.access.as_secs(),
            refresh_max_age_s: self.rules.refresh.as_secs(),
            claims,
        })
    }
}

fn refused(code: &'static str) -> Problem {
    Problem::unauthorized(code).with_error("Invalid token")
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        Self::unauthorized(match error {
            AccessError::Invalid => "unauthorized",
            AccessError::Expired(_) => "token_expired",
            AccessError::Revoked => "token_revoked",
        })
    }
}

//! Who calls. The subject comes from a verified credential and from nowhere else.

use std::fmt;

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::{cors, launch};
use crate::clock::Instant;
use crate::function::{ADMIN_SECRET, Access, Endpoint, Identity, Platform};
use crate::meter;
use crate::problem::{Problem, Result};
use crate::session::{AccessError, Claims, Cookies, Renewal, Sessions};
use crate::telegram::InitData;

const X_ADMIN_SECRET: HeaderName = HeaderName::from_static("x-admin-secret");
const X_ACCESS_TOKEN: HeaderName = HeaderName::from_static("x-access-token");

/// The verified caller.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The caller's Telegram id.
    pub telegram_id: i64,
    /// What proved it.
    pub credential: Credential,
}

/// What proved who the caller is.
#[derive(Clone)]
pub enum Credential {
    /// Launch data signed by Telegram.
    InitData(Box<InitData>),
    /// An access token of a login family.
    Session(Claims),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InitData(_) => "InitData(…)",
            Self::Session(_) => "Session(…)",
        })
    }
}

impl Subject {
    /// Refuses an id in the request that names somebody else. Absent ids are fine.
    ///
    /// # Errors
    /// 403 `subject_mismatch`.
    pub fn must_be(&self, claimed: Option<i64>) -> Result<()> {
        match claimed {
            Some(id) if id != self.telegram_id => Err(Problem::forbidden("subject_mismatch")),
            _ => Ok(()),
        }
    }
}

impl<S: Send + Sync> axum::extract::OptionalFromRequestParts<S> for Subject {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}

/// The outcome of authentication: the subject, and what renewal adds to the answer.
#[derive(Debug, Default)]
pub(super) struct Authenticated {
    pub(super) subject: Option<Subject>,
    renewal: Option<Renewal>,
    secure: bool,
}

impl Authenticated {
    pub(super) fn by_init_data(data: InitData) -> Self {
        let subject = Subject {
            telegram_id: data.user.id.get(),
            credential: Credential::InitData(Box::new(data)),
        };
        Self { subject: Some(subject), ..Self::default() }
    }

    pub(super) fn write(&self, headers: &mut HeaderMap) {
        let Some(renewal) = &self.renewal else { return };
        renewal.cookies(self.secure).write(headers);
        if let Ok(mut token) = HeaderValue::from_str(&renewal.access_token) {
            token.set_sensitive(true);
            headers.insert(X_ACCESS_TOKEN, token);
        }
    }
}

/// Establishes the subject as the endpoint's access demands.
pub(super) async fn authenticate(
    platform: &Platform,
    endpoint: &Endpoint,
    (parts, body): (&Parts, &[u8]),
    now: Instant,
) -> Result<Authenticated> {
    let (headers, method) = (&parts.headers, &parts.method);
    match endpoint.access {
        Access::Public | Access::Webhook | Access::SignIn => Ok(Authenticated::default()),
        Access::User => launch::user(platform, headers, now),
        Access::Visitor(flags) => launch::visitor(platform, parts, flags, now),
        Access::Admin => {
            let guess = headers.get(X_ADMIN_SECRET).map(HeaderValue::as_bytes).unwrap_or_default();
            let secret = platform.secret_if_set(ADMIN_SECRET);
            let known = secret.is_some_and(|secret| secret.matches(guess));
            let refused =
                Problem::forbidden("admin_required").with_error("Forbidden: admin access required");
            if known { Ok(Authenticated::default()) } else { Err(refused) }
        }
        Access::Anyone => {
            let found = meter::as_choke(member(platform, headers, method, now)).await;
            Ok(found.unwrap_or_default())
        }
        Access::Member => meter::as_choke(member(platform, headers, method, now)).await,
        Access::MemberOrBody => {
            let found = meter::as_choke(member(platform, headers, method, now)).await;
            beside_body(platform, found, headers, body, now)
        }
    }
}

/// What the launch data in a body adds to what header and cookies say. Without a good credential
/// there it is one itself; beside one it may only name the same person, unless it is no good.
fn beside_body(
    platform: &Platform,
    found: Result<Authenticated>,
    headers: &HeaderMap,
    body: &[u8],
    now: Instant,
) -> Result<Authenticated> {
    #[derive(serde::Deserialize)]
    struct Body {
        #[serde(rename = "initData")]
        init_data: String,
    }
    let raw = serde_json::from_slice(body).ok().map(|Body { init_data }| init_data);
    let Some(raw) = raw.filter(|raw| !raw.is_empty()) else { return found };
    let own = by_init_data(platform.identity()?, &raw, now);
    match (found, own) {
        (Ok(found), Ok(own)) => match (&found.subject, &own.subject) {
            (Some(one), Some(other)) if one.telegram_id != other.telegram_id => {
                Err(Problem::forbidden("subject_mismatch"))
            }
            _ => Ok(found),
        },
        (Ok(found), Err(_)) => Ok(found),
        (Err(refused), Ok(own)) if refused.status().is_client_error() => Ok(own),
        (Err(refused), Err(own)) if refused.status().is_client_error() => {
            Err(if headers.contains_key(header::AUTHORIZATION) { refused } else { own })
        }
        (Err(failed), _) => Err(failed),
    }
}

async fn member(
    platform: &Platform,
    headers: &HeaderMap,
    method: &Method,
    now: Instant,
) -> Result<Authenticated> {
    let (identity, sessions) = (platform.identity()?, platform.sessions()?);
    let cookies = Cookies::read(headers);
    let presented = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(presented) = presented else {
        return by_cookie(platform, sessions, &cookies, headers, method, now).await;
    };
    let (scheme, value) = presented.split_once(' ').unwrap_or((presented, ""));
    let is_init_data = scheme.eq_ignore_ascii_case("tma")
        || (scheme.eq_ignore_ascii_case("bearer") && value.contains("hash="));
    if is_init_data {
        return by_init_data(identity, value, now);
    }
    if !scheme.eq_ignore_ascii_case("bearer") || value.is_empty() {
        return Err(Problem::unauthorized("unauthorized"));
    }
    match sessions.check(value, now).await? {
        Ok(claims) => Ok(by_session(claims)),
        Err(AccessError::Expired(claims)) => renew(platform, sessions, &cookies, claims, now).await,
        Err(error) => Err(error.into()),
    }
}

fn by_init_data(identity: &Identity, raw: &str, now: Instant) -> Result<Authenticated> {
    let data = identity.verify(raw, now).map_err(|error| {
        Problem::unauthorized("invalid_init_data")
            .with_error("Invalid Telegram initData")
            .because(error)
    })?;
    Ok(Authenticated::by_init_data(data))
}

fn by_session(claims: Claims) -> Authenticated {
    let subject =
        Subject { telegram_id: claims.telegram_id, credential: Credential::Session(claims) };
    Authenticated { subject: Some(subject), ..Authenticated::default() }
}

async fn by_cookie(
    platform: &Platform,
    sessions: &Sessions,
    cookies: &Cookies,
    headers: &HeaderMap,
    method: &Method,
    now: Instant,
) -> Result<Authenticated> {
    let Some(token) = &cookies.access else {
        return Err(Problem::unauthorized("unauthorized"));
    };
    let claims = sessions.check(token, now).await?.map_err(Problem::from)?;
    if !method.is_safe() {
        cors::require_origin(platform, headers)?;
    }
    Ok(by_session(claims))
}

/// Existing clients never refresh: an expired access token beside a good cookie is served. Beside
/// a cookie that is no good it is what it is without one: expired.
async fn renew(
    platform: &Platform,
    sessions: &Sessions,
    cookies: &Cookies,
    expired: Claims,
    now: Instant,
) -> Result<Authenticated> {
    if let Some(token) = &cookies.access
        && let Ok(claims) = sessions.check(token, now).await?
        && claims.family == expired.family
    {
        return Ok(by_session(claims));
    }
    let Some(refresh) = &cookies.refresh else {
        return Err(AccessError::Expired(expired).into());
    };
    let renewal = match sessions.rotate(refresh, Some(expired.telegram_id), now).await {
        Ok(renewal) => renewal,
        Err(refused) if refused.status() == StatusCode::UNAUTHORIZED => {
            return Err(Problem::from(AccessError::Expired(expired)).because(refused));
        }
        Err(problem) => return Err(problem),
    };
    let authenticated = by_session(renewal.claims.clone());
    Ok(Authenticated { renewal: Some(renewal), secure: !platform.local, ..authenticated })
}

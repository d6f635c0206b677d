//! Sign-in endpoints.

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use shared::clock::{Instant, Now};
use shared::function::{Access, Function, Service};
use shared::http::{Answer, Credential, Json, Origin, Subject, read_json, require_origin};
use shared::problem::{Problem, Result};
use shared::retry::{Round, optimistic};
use shared::session::{Clear, Cookies, Renewal};
use shared::telegram::{InitData, InitDataError, Utm};
use utoipa::ToSchema;

use super::model::{self, Member};
use super::profile::{User, me, update};
use super::public::user;
use super::store;
use crate::App;
use crate::wire::{self, success};

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    vec![
        sign_in(),
        refresh(),
        log_out(),
        me("club-auth-me", "/api/v1/auth/me"),
        me("club-users-me", "/api/v1/users/me"),
        update(),
        user(),
    ]
}

/// `POST /api/v1/auth/telegram`.
#[must_use]
pub fn sign_in() -> Function<App> {
    Function::<App>::post("club-auth-telegram", "/api/v1/auth/telegram")
        .summary("Signs in with the launch data of the mini-app")
        .access(Access::SignIn)
        .limited(wire::AUTH)
        .needs("TELEGRAM_BOT_TOKEN")
        .needs("JWT_SECRET")
        .takes::<SignIn>()
        .answers::<SignedIn>()
        .handled_by(post(handle_sign_in))
}

/// `POST /api/v1/auth/refresh`.
#[must_use]
pub fn refresh() -> Function<App> {
    Function::<App>::post("club-auth-refresh", "/api/v1/auth/refresh")
        .summary("Exchanges a refresh token for new tokens")
        .access(Access::SignIn)
        .limited(wire::AUTH)
        .needs("TELEGRAM_BOT_TOKEN")
        .needs("JWT_SECRET")
        .takes::<Refresh>()
        .answers::<Tokens>()
        .handled_by(post(handle_refresh))
}

/// `POST /api/v1/auth/logout`.
#[must_use]
pub fn log_out() -> Function<App> {
    Function::<App>::post("club-auth-logout", "/api/v1/auth/logout")
        .summary("Revokes the tokens of this sign-in")
        .limited(wire::API)
        .answers::<Message>()
        .handled_by(post(handle_log_out))
}

#[derive(Debug, Deserialize, ToSchema)]
struct SignIn {
    /// Launch data as Telegram signed it, 1 to 8192 characters.
    #[serde(rename = "initData", default)]
    init_data: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct SignedIn {
    user: User,
    #[serde(flatten)]
    tokens: Tokens,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Tokens {
    token: String,
    /// The same as `token`.
    access_token: String,
    refresh_token: String,
    /// Seconds.
    expires_in: i64,
}

#[derive(Debug, Deserialize, ToSchema)]
struct Refresh {
    /// Instead of the cookie, which counts only from a page of the app.
    #[serde(rename = "refreshToken", default)]
    refresh_token: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Message {
    message: &'static str,
}

impl Tokens {
    fn of(renewal: Renewal) -> Self {
        Self {
            token: renewal.access_token.clone(),
            access_token: renewal.access_token,
            refresh_token: renewal.refresh_token,
            expires_in: renewal.expires_in_s,
        }
    }
}

/// The launch data in the body of a sign-in. Existing clients tell its refusals apart by their
/// texts.
fn launch_data(body: &[u8]) -> Result<String> {
    if body.is_empty() {
        return Err(Problem::unreadable().with_error("Empty body"));
    }
    let body: SignIn = read_json(body).map_err(|problem| match problem.code() {
        "parse_error" => problem.with_error("Invalid JSON"),
        _ => problem,
    })?;
    let raw = body.init_data.filter(|raw| !raw.is_empty()).ok_or_else(|| {
        Problem::invalid("initData", "required").with_error("initData is required")
    })?;
    if raw.len() > 8192 {
        return Err(Problem::invalid("initData", "longer than 8192 bytes"));
    }
    Ok(raw)
}

async fn handle_sign_in(
    State(app): State<App>,
    Now(now): Now,
    origin: Origin,
    body: Bytes,
) -> Answer {
    let raw = launch_data(&body)?;
    let identity = app.platform().identity()?;
    let data = identity.verify(&raw, now).map_err(|error| match error {
        InitDataError::UserMissing => {
            Problem::invalid("initData", "names no user").with_error("User data not found")
        }
        error => Problem::unauthorized("invalid_init_data")
            .with_error("Invalid Telegram initData")
            .because(error),
    })?;
    let tg_id = data.user.id.get();
    app.platform.limiter.count(&wire::AUTH, &tg_id.to_string(), now).await?;
    let (member, renewal) = enter(&app, &data, now).await?;
    let body = SignedIn { user: User::of(member, now), tokens: Tokens::of(renewal.clone()) };
    let mut response = success(body)?;
    renewal.cookies(origin.secure).write(response.headers_mut());
    Ok(response)
}

/// Opens a login family together with the member's refreshed or new profile: one read, one
/// transaction.
async fn enter(app: &App, data: &InitData, now: Instant) -> Result<(Member, Renewal)> {
    let sessions = app.platform().sessions()?;
    let table = &app.platform.table;
    let tg_id = data.user.id.get();
    optimistic(|| async {
        let found = store::find(table, tg_id).await?;
        let (member, mut writes) = match found {
            Some(member) => refreshed(member, data, now),
            None => {
                let utm = data.start_param.as_deref().and_then(Utm::from_start_param);
                let member = Member::new(tg_id, Some(&data.user), utm, now);
                let writes = store::creation(&member);
                (member, writes)
            }
        };
        let (family, renewal) = sessions.open(&member.id, tg_id, now)?;
        writes.push(family);
        match table.transact(writes).await {
            Ok(()) => Ok(Round::Done((member, renewal))),
            Err(error) => error.refusal().map(|_| Round::Stale).map_err(Problem::from),
        }
    })
    .await
}

/// What signing in changes of a member: what Telegram says of the person, but never the names.
fn refreshed(member: Member, data: &InitData, now: Instant) -> (Member, Vec<shared::table::Write>) {
    let photo_url = model::photo(&data.user);
    let write = store::change(&member, now)
        .set_or_remove("username", data.user.username.as_ref())
        .set_or_remove("photo_url", photo_url.as_ref())
        .set_or_remove("language_code", data.user.language_code.as_ref())
        .set("last_active_at", now);
    let member = Member {
        username: data.user.username.clone(),
        photo_url,
        language_code: data.user.language_code.clone(),
        last_active_at: Some(now),
        version: member.version + 1,
        updated_at: now,
        ..member
    };
    (member, vec![write])
}

async fn handle_refresh(
    State(app): State<App>,
    Now(now): Now,
    origin: Origin,
    headers: HeaderMap,
    Json(body): Json<Refresh>,
) -> Answer {
    let missing = || Problem::unauthorized("refresh_missing").with_error("No token provided");
    let token = match body.refresh_token.filter(|token| !token.is_empty()) {
        Some(token) => token,
        None => {
            let token = Cookies::read(&headers).refresh.ok_or_else(missing)?;
            require_origin(app.platform(), &headers)?;
            token
        }
    };
    let renewal = app.platform().sessions()?.rotate(&token, None, now).await?;
    if store::find(&app.platform.table, renewal.claims.telegram_id).await?.is_none() {
        return Err(Problem::unauthorized("member_gone").with_error("User not found"));
    }
    let mut response = success(Tokens::of(renewal.clone()))?;
    renewal.cookies(origin.secure).write(response.headers_mut());
    Ok(response)
}

async fn handle_log_out(
    State(app): State<App>,
    Now(now): Now,
    origin: Origin,
    headers: HeaderMap,
    subject: Subject,
) -> Answer {
    let sessions = app.platform().sessions()?;
    match &subject.credential {
        Credential::Session(claims) => sessions.revoke(&claims.family, now).await?,
        // Launch data names no sign-in; the cookies of the same person beside it do.
        Credential::InitData(_) => {
            let cookies = Cookies::read(&headers);
            sessions.revoke_named(&cookies, subject.telegram_id, now).await?;
        }
    }
    let mut response = success(Message { message: "Logged out successfully" })?;
    Clear { secure: origin.secure }.write(response.headers_mut());
    Ok(response)
}

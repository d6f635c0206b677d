//! Sign-in and profile endpoints.

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::{get, patch, post};
use http::{HeaderMap, StatusCode};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::cache::{CacheClass, Conditional};
use shared::clock::{Instant, Now};
use shared::function::{Access, Function, Service};
use shared::http::{Answer, Credential, Json, Origin, Subject, read_json, require_origin, success};
use shared::limit::LimitClass;
use shared::problem::{FieldError, Problem, Result};
use shared::retry::{Round, optimistic};
use shared::session::{Clear, Cookies, Renewal};
use shared::telegram::{InitData, InitDataError, Utm};
use utoipa::ToSchema;

use super::model::{self, Member};
use super::store;
use crate::{App, texts};

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
    ]
}

/// `POST /api/v1/auth/telegram`.
#[must_use]
pub fn sign_in() -> Function<App> {
    Function::<App>::post("club-auth-telegram", "/api/v1/auth/telegram")
        .summary("Signs in with the launch data of the mini-app")
        .access(Access::SignIn)
        .limited(LimitClass::Auth)
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
        .limited(LimitClass::Auth)
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
        .limited(LimitClass::Api)
        .answers::<Message>()
        .handled_by(post(handle_log_out))
}

/// `GET /api/v1/auth/me` and its twin `GET /api/v1/users/me`.
#[must_use]
pub fn me(name: &'static str, path: &'static str) -> Function<App> {
    Function::<App>::get(name, path)
        .summary("The caller's profile")
        .limited(LimitClass::Api)
        .cached(CacheClass::User)
        .answers::<Me>()
        .handled_by(get(handle_me))
}

/// `PATCH /api/v1/users/me`.
#[must_use]
pub fn update() -> Function<App> {
    Function::<App>::patch("club-users-update", "/api/v1/users/me")
        .summary("Changes the caller's profile")
        .limited(LimitClass::Api)
        .takes::<Changes>()
        .answers::<Updated>()
        .handled_by(patch(handle_update))
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

#[derive(Debug, Serialize, ToSchema)]
struct Me {
    user: User,
}

/// A member as the app sees itself.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct User {
    id: String,
    telegram_id: i64,
    username: Option<String>,
    first_name: String,
    last_name: Option<String>,
    photo_url: Option<String>,
    language_code: Option<String>,
    city: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    level: u32,
    experience: u32,
    energies: i64,
    streak: u32,
    #[schema(value_type = Option<String>, format = "date-time")]
    last_active_date: Option<Instant>,
    is_pro: bool,
    #[schema(value_type = Option<String>, format = "date-time")]
    subscription_expires: Option<Instant>,
    auto_renewal_enabled: bool,
    gifted: bool,
    lava_contact_id: Option<String>,
    cloudpayments_subscription_id: Option<String>,
    #[schema(value_type = Object)]
    settings: Map<String, Value>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Instant,
    #[schema(value_type = String, format = "date-time")]
    updated_at: Instant,
}

impl User {
    fn of(member: Member, now: Instant) -> Self {
        Self {
            is_pro: member.is_paid(now),
            level: model::level(member.experience),
            id: member.id,
            telegram_id: member.tg_id,
            username: member.username,
            first_name: member.first_name,
            last_name: member.last_name,
            photo_url: member.photo_url,
            language_code: member.language_code,
            city: member.city,
            email: member.email,
            phone: member.phone,
            experience: member.experience,
            energies: member.balance,
            streak: member.streak,
            last_active_date: member.last_active_at,
            subscription_expires: member.subscription_expires,
            auto_renewal_enabled: member.auto_renewal,
            gifted: member.gifted,
            lava_contact_id: None,
            cloudpayments_subscription_id: None,
            settings: member.settings,
            created_at: member.created_at,
            updated_at: member.updated_at,
        }
    }
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
    app.platform.limiter.count(LimitClass::Auth, &tg_id.to_string(), now).await?;
    let (member, renewal) = enter(&app, &data, now).await?;
    let body = SignedIn { user: User::of(member, now), tokens: Tokens::of(renewal.clone()) };
    let mut response = success(body)?;
    renewal.cookies(origin.secure).write(response.headers_mut());
    Ok(response)
}

/// Opens a login family together with the member's refreshed or new profile: one read, one
/// transaction.
async fn enter(app: &App, data: &InitData, now: Instant) -> Result<(Member, Renewal)> {
    let identity = app.platform().identity()?;
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
        let (family, renewal) = identity.sessions.open(&member.id, tg_id, now)?;
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
    let renewal = app.platform().identity()?.sessions.rotate(&token, None, now).await?;
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
    let sessions = &app.platform().identity()?.sessions;
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

async fn handle_me(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    cached: Conditional,
) -> Answer {
    let member = store::ensure(&app.platform.table, &subject, now).await?;
    let paid = member.is_paid(now).to_string();
    let validator = cached.validator(&[&member.version.to_string(), &paid]);
    match cached.known(&validator) {
        Some(response) => Ok(response),
        None => cached.fresh(&validator, Me { user: User::of(member, now) }),
    }
}

/// Changes of a profile; absent fields stay as they are.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Changes {
    /// 1 to 64 characters.
    first_name: Option<String>,
    /// Up to 64 characters.
    last_name: Option<String>,
    /// 1 to 80 letters, spaces and `-.'()`.
    city: Option<String>,
    /// 2 to 8 characters.
    language_code: Option<String>,
    /// Merged one level deep; 4 KiB at most.
    #[schema(value_type = Option<Object>)]
    settings: Option<Map<String, Value>>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Updated {
    user: UpdatedUser,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct UpdatedUser {
    id: String,
    first_name: String,
    last_name: Option<String>,
    city: Option<String>,
    #[schema(value_type = Object)]
    settings: Map<String, Value>,
    language_code: Option<String>,
}

impl Changes {
    fn check(&self) -> Result<()> {
        let length = |text: &Option<String>| text.as_ref().map(|text| text.chars().count());
        let rules = [
            (
                "firstName",
                length(&self.first_name).is_none_or(|n| (1..=64).contains(&n)),
                "1 to 64 characters",
            ),
            ("lastName", length(&self.last_name).is_none_or(|n| n <= 64), "up to 64 characters"),
            (
                "city",
                self.city.as_deref().is_none_or(model::is_city_name),
                "1 to 80 letters, spaces and -.'()",
            ),
            (
                "languageCode",
                length(&self.language_code).is_none_or(|n| (2..=8).contains(&n)),
                "2 to 8 characters",
            ),
            (
                "settings",
                self.settings.as_ref().is_none_or(|settings| size(settings) <= model::SETTINGS_MAX),
                "4 KiB at most",
            ),
            (
                "settings",
                self.settings.as_ref().is_none_or(model::can_be_kept),
                "20 levels at most, numbers from 1e-129 up to 1e125",
            ),
        ];
        let wrong = rules.into_iter().filter(|(_, holds, _)| !holds);
        let wrong: Vec<_> = wrong
            .map(|(name, _, reason)| FieldError { name: name.into(), reason: reason.into() })
            .collect();
        if wrong.is_empty() { Ok(()) } else { Err(Problem::invalid_fields(wrong)) }
    }

    /// The member as these changes leave it.
    fn apply(&self, member: &Member, now: Instant) -> Result<Member> {
        let mut changed = member.clone();
        if let Some(name) = &self.first_name {
            changed.first_name.clone_from(name);
        }
        if let Some(name) = &self.last_name {
            changed.last_name = Some(name.clone()).filter(|name| !name.is_empty());
        }
        if let Some(code) = &self.language_code {
            changed.language_code = Some(code.clone());
        }
        if let Some(settings) = &self.settings {
            changed.settings = model::merge_settings(&member.settings, settings);
            if size(&changed.settings) > model::SETTINGS_MAX {
                return Err(Problem::invalid("settings", "4 KiB at most"));
            }
        }
        if let Some(city) = &self.city {
            move_to(&mut changed, city.trim(), now)?;
        }
        Ok(changed)
    }
}

fn size(settings: &Map<String, Value>) -> usize {
    serde_json::to_string(settings).map_or(usize::MAX, |text| text.len())
}

/// Moves the member to another city, within the day's limit. The same city again is no move.
fn move_to(member: &mut Member, city: &str, now: Instant) -> Result<()> {
    let key = model::city_key(city);
    if member.city_key.as_ref() == Some(&key) {
        return Ok(());
    }
    if member.is_team_leader {
        let status = StatusCode::CONFLICT;
        return Err(Problem::new(status, "city_locked", "Conflict", texts::CITY_LOCKED));
    }
    let today = model::moscow_day(now);
    let made =
        if member.city_changed_on.as_ref() == Some(&today) { member.city_changes } else { 0 };
    if made >= model::CITY_CHANGES_PER_DAY {
        return Err(too_many_moves(now));
    }
    member.city = Some(city.split_whitespace().collect::<Vec<_>>().join(" "));
    member.city_key = Some(key);
    member.city_changed_on = Some(today);
    member.city_changes = made + 1;
    Ok(())
}

fn too_many_moves(now: Instant) -> Problem {
    let tomorrow = now.at_offset(3).date().saturating_add(jiff::Span::new().days(1));
    let midnight = tomorrow.at(0, 0, 0, 0).to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(3)));
    let wait = midnight.map_or(SignedDuration::from_hours(24), |midnight| {
        Instant::from_timestamp(midnight.timestamp()).since(now)
    });
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "city_change_limit",
        "Too Many Requests",
        texts::CITY_CHANGE_LIMIT,
    )
    .with("retryAfter", (now + wait).millis())
    .with_header(http::header::RETRY_AFTER, wait.as_secs().max(1).into())
}

async fn handle_update(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Json(changes): Json<Changes>,
) -> Answer {
    changes.check()?;
    let table = &app.platform.table;
    let member = optimistic(|| async {
        let member = store::ensure(table, &subject, now).await?;
        let mut changed = changes.apply(&member, now)?;
        if changed == member {
            return Ok(Round::Done(member));
        }
        let mut writes = Vec::new();
        if let (Some(key), Some(city)) = (&changed.city_key, &changed.city)
            && member.city_key.as_ref() != Some(key)
        {
            let (name, write) = store::name_city(table, key, city).await?;
            changed.city = Some(name);
            writes.extend(write);
        }
        let write = store::change(&member, now)
            .set("first_name", &changed.first_name)
            .set_or_remove("last_name", changed.last_name.as_ref())
            .set_or_remove("language_code", changed.language_code.as_ref())
            .set("settings", &changed.settings)
            .set_or_remove("city", changed.city.as_ref())
            .set_or_remove("city_key", changed.city_key.as_ref())
            .set_or_remove("city_changed_on", changed.city_changed_on.as_ref())
            .set("city_changes", changed.city_changes);
        writes.push(write);
        match table.transact(writes).await {
            Ok(()) => Ok(Round::Done(changed)),
            Err(error) => error.refusal().map(|_| Round::Stale).map_err(Problem::from),
        }
    })
    .await?;
    let user = UpdatedUser {
        id: member.id,
        first_name: member.first_name,
        last_name: member.last_name,
        city: member.city,
        settings: member.settings,
        language_code: member.language_code,
    };
    success(Updated { user })
}

//! Endpoints of users.

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::{get, put};
use serde::{Deserialize, Serialize};
use serde_json::Number;
use shared::cache::Conditional;
use shared::function::{Access, Function};
use shared::http::{Answer, Body, ok};
use utoipa::ToSchema;

use super::wishes::{Preferences, Telling};
use super::{Caller, User, rating, store};
use crate::money::Kopecks;
use crate::{App, wire};

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    vec![me(), preferences(), save_preferences(), notifications(), save_notifications()]
}

/// `GET /api/users/me`.
#[must_use]
pub fn me() -> Function<App> {
    Function::<App>::get("errands-users-me", "/api/users/me")
        .summary("The caller's profile, figures and balance")
        .access(Access::User)
        .limited(wire::READ)
        .cached(wire::VALIDATED)
        .answers::<Me>()
        .handled_by(get(handle_me))
}

/// `GET /api/users/me/preferences`.
#[must_use]
pub fn preferences() -> Function<App> {
    Function::<App>::get("errands-users-preferences", "/api/users/me/preferences")
        .summary("The categories and cities that the caller wants to hear of")
        .access(Access::User)
        .limited(wire::READ)
        .cached(wire::VALIDATED)
        .answers::<Wishes>()
        .handled_by(get(handle_preferences))
}

/// `PUT /api/users/me/preferences`.
#[must_use]
pub fn save_preferences() -> Function<App> {
    Function::<App>::put("errands-users-preferences-save", "/api/users/me/preferences")
        .summary("Replaces them; an absent list is an empty one")
        .access(Access::User)
        .limited(wire::SETTINGS)
        .takes::<NewWishes>()
        .answers::<Saved>()
        .handled_by(put(handle_save_preferences))
}

/// `GET /api/users/me/notification-settings`.
#[must_use]
pub fn notifications() -> Function<App> {
    Function::<App>::get("errands-users-notifications", "/api/users/me/notification-settings")
        .summary("Whether and how often the caller is told of new orders")
        .access(Access::User)
        .limited(wire::READ)
        .cached(wire::VALIDATED)
        .answers::<Notifications>()
        .handled_by(get(handle_notifications))
}

/// `PUT /api/users/me/notification-settings`.
#[must_use]
pub fn save_notifications() -> Function<App> {
    Function::<App>::put("errands-users-notifications-save", "/api/users/me/notification-settings")
        .summary("Changes that; what is absent stays as it is")
        .access(Access::User)
        .limited(wire::SETTINGS)
        .takes::<NewNotifications>()
        .answers::<Saved>()
        .handled_by(put(handle_save_notifications))
}

#[derive(Debug, Serialize, ToSchema)]
struct Me {
    /// Telegram's id.
    id: i64,
    first_name: String,
    last_name: Option<String>,
    username: Option<String>,
    /// Own and taken orders that were completed.
    completed_orders: i64,
    /// Own and taken orders that are active.
    active_orders: i64,
    /// The mean of the reviews about the caller, to two decimals; 0 when there are none.
    #[schema(value_type = f64)]
    rating: Number,
    /// Whole rubles.
    balance: i64,
}

impl From<User> for Me {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            first_name: user.first_name,
            last_name: user.last_name,
            username: user.username,
            completed_orders: user.completed_orders,
            active_orders: user.active_orders,
            rating: rating::mean(user.rating_sum, user.rating_count),
            balance: Kopecks(user.balance).rubles(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct Wishes {
    categories: Vec<String>,
    cities: Vec<String>,
}

/// What is sent. Read field by field; this is for the document.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "the document's alone")]
struct NewWishes {
    /// Up to 10 of the seven.
    categories: Option<Vec<String>>,
    /// Up to 20, of 2 to 100 characters each.
    cities: Option<Vec<String>>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Notifications {
    enabled: bool,
    /// Minutes between two messages at least.
    frequency: i64,
}

/// What is sent. Read field by field; this is for the document.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "the document's alone")]
struct NewNotifications {
    enabled: Option<bool>,
    /// 5 to 15.
    frequency: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Saved {
    success: bool,
}

async fn handle_me(Caller(user): Caller, cached: Conditional) -> Answer {
    cached.by_body(&Me::from(user), &[])
}

async fn handle_preferences(Caller(user): Caller, cached: Conditional) -> Answer {
    let User { categories, cities, .. } = user;
    cached.by_body(&Wishes { categories, cities }, &[])
}

async fn handle_save_preferences(
    State(app): State<App>,
    Caller(user): Caller,
    body: Bytes,
) -> Answer {
    let Preferences { categories, cities } = Preferences::read(&body)?;
    store::prefer(&app.platform.table, user.id, &categories, &cities).await?;
    ok(&Saved { success: true })
}

async fn handle_notifications(
    State(app): State<App>,
    Caller(user): Caller,
    cached: Conditional,
) -> Answer {
    let (_, _, default) = app.settings.notify_frequency;
    let frequency = user.frequency.unwrap_or(default);
    cached.by_body(&Notifications { enabled: user.notifications, frequency }, &[])
}

async fn handle_save_notifications(
    State(app): State<App>,
    Caller(user): Caller,
    Body(body): Body,
) -> Answer {
    let Telling { enabled, frequency } = Telling::read(body, &app.settings)?;
    if enabled.is_some() || frequency.is_some() {
        store::tell(&app.platform.table, user.id, enabled, frequency).await?;
    }
    ok(&Saved { success: true })
}

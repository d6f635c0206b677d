//! Members as other members see them.

use axum::extract::State;
use axum::routing::get;
use serde::Serialize;
use shared::cache::Conditional;
use shared::clock::{Instant, Now};
use shared::function::Function;
use shared::http::{Answer, Params, Subject};
use shared::problem::Problem;
use utoipa::ToSchema;

use super::model::Member;
use super::store::{self, MemberPointer};
use crate::wire::{self, succeeded};
use crate::{App, gamification};

/// `GET /api/v1/users/{id}`.
#[must_use]
pub fn user() -> Function<App> {
    Function::<App>::get("club-users-one", "/api/v1/users/{id}")
        .summary("A member as others see them")
        .limited(wire::API)
        .cached(wire::USER)
        .answers::<Somebody>()
        .handled_by(get(handle))
}

#[derive(Debug, Serialize, ToSchema)]
struct Somebody {
    user: PublicUser,
}

/// A member as others see them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PublicUser {
    id: String,
    username: Option<String>,
    first_name: String,
    photo_url: Option<String>,
    level: u32,
    streak: u32,
    #[schema(value_type = String, format = "date-time")]
    created_at: Instant,
}

impl PublicUser {
    fn of(member: Member) -> Self {
        Self {
            id: member.id,
            username: member.username,
            first_name: member.first_name,
            photo_url: member.photo_url,
            level: gamification::level(member.experience),
            streak: member.streak,
            created_at: member.created_at,
        }
    }
}

/// One read of the caller and of whom the id stands for, and another of them unless it is the
/// caller.
async fn handle(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Params(id): Params<String>,
    cached: Conditional,
) -> Answer {
    let unknown = || Problem::not_found("User not found");
    let table = &app.platform.table;
    let pointer_at = MemberPointer::of_id(&id).ok_or_else(unknown)?;
    let caller_at = store::member_key(subject.telegram_id);
    let rows = table.batch(&[caller_at.clone(), pointer_at.clone()]).await?;
    let caller: Option<Member> = rows.get(&caller_at)?;
    let caller = match caller {
        Some(caller) => caller,
        None => store::ensure(table, &subject, now).await?,
    };
    let pointer: MemberPointer = rows.get(&pointer_at)?.ok_or_else(unknown)?;
    let member = match pointer.tg_id == caller.tg_id {
        true => caller,
        false => store::find(table, pointer.tg_id).await?.ok_or_else(unknown)?,
    };
    let validator = cached.validator(&[&member.version.to_string()]);
    match cached.known(&validator) {
        Some(response) => Ok(response),
        None => cached.fresh(&validator, &succeeded(Somebody { user: PublicUser::of(member) })),
    }
}

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
    let (caller, rows) = store::ensure_with(table, &subject, [pointer_at.clone()], now).await?;
    let pointer: MemberPointer = rows.get(&pointer_at)?.ok_or_else(unknown)?;
    let member = match pointer.tg_id == caller.tg_id {
        true => caller,
        false => store::find(table, pointer.tg_id).await?.ok_or_else(unknown)?,
    };
    let version = member.version.to_string();
    let body = async { Ok(succeeded(Somebody { user: PublicUser::of(member) })) };
    cached.answer(&[&version], body).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{Request, World};

    async fn pair(world: &World) -> (Member, String) {
        let anna = Member::new(1, None, None, world.now());
        let boris = Member { first_name: "Борис".to_owned(), experience: 250, ..anna.clone() };
        let boris = Member { tg_id: 2, id: shared::ids::uuid(), streak: 4, ..boris };
        let writes = [&anna, &boris].into_iter().flat_map(store::creation).collect();
        world.table().transact(writes).await.unwrap();
        (boris, world.token(&anna).await)
    }

    #[tokio::test]
    async fn a_member_is_shown_without_what_is_private() {
        let world = World::new().await;
        let (boris, token) = pair(&world).await;
        let path = format!("/api/v1/users/{}", boris.id);
        let instance = world.start(user()).await;
        let reply = world.send(&instance, Request::get(&path).token(&token)).await;
        let shown = json!({
            "id": boris.id, "username": null, "firstName": "Борис", "photoUrl": null, "level": 3,
            "streak": 4, "createdAt": world.now(),
        });
        assert_eq!((&reply.body["user"], reply.cost.requests), (&shown, 2));
        let etag = reply.headers["etag"].as_str().unwrap();
        let again = Request::get(&path).token(&token).header("if-none-match", etag);
        assert_eq!(world.send(&instance, again.clone()).await.status, 304);
        world.table().write(crate::tags::touch(2)).await.unwrap();
        assert_eq!(world.send(&instance, again).await.status, 200);
        // Oneself is at hand.
        let own = world.member_now(1).await.id;
        let reply = world
            .send(&instance, Request::get(&format!("/api/v1/users/{own}")).token(&token))
            .await;
        assert_eq!((&reply.body["user"]["id"], reply.cost.requests), (&json!(own), 1));
    }

    #[tokio::test]
    async fn nobody_has_another_id() {
        let world = World::new().await;
        let (boris, token) = pair(&world).await;
        let instance = world.start(user()).await;
        let upper = boris.id.to_uppercase();
        let long = "x".repeat(3_000);
        let unknown = "0198c0de-0000-7000-8000-000000000042";
        for id in ["2", "x", "%D1%84", "%FF", upper.as_str(), &long, unknown, "-1"] {
            let request = Request::get(&format!("/api/v1/users/{id}")).token(&token);
            let reply = world.send(&instance, request).await;
            assert_eq!((reply.status.as_u16(), &reply.body["code"]), (404, &json!("not_found")));
        }
        let request = Request::get(&format!("/api/v1/users/{unknown}")).token(&token);
        let reply = world.send(&instance, request.header("if-none-match", "*")).await;
        assert_eq!((reply.status.as_u16(), &reply.body["error"]), (404, &json!("User not found")));
    }
}

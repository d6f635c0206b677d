//! Teams against the embedded engine.

mod chats;
mod crashes;
mod distributing;
mod ending;
mod joining;
mod keeping;
mod managing;
mod permissions;
mod properties;
mod reporting;
mod rules;
mod turns;
mod viewing;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use shared::clock::{Instant, days};
use shared::function::Function;
use shared::table::{Entity, Key, Rows};

use super::model::{Founding, Membership, Standing, Team, waits};
use super::*;
use crate::auth::{Member, TeamRole, city_key, member_key};
use crate::tags::Tag;
use crate::testing::{BotServer, Reply, Request, World};

/// The city of most members.
const CITY: &str = "Москва";
/// The secret of administrators.
const ADMIN: &str = "test-admin-secret-0123456789abcdef01";
/// A group of a team.
const CHAT: i64 = -1_001_234_567_890;

/// A club with teams.
struct Club {
    world: Arc<World>,
    bot: BotServer,
}

impl Club {
    async fn open() -> Self {
        Self::with(&[]).await
    }

    /// The same with settings of the test's own.
    async fn with(more: &[(&str, &str)]) -> Self {
        let bot = BotServer::start().await;
        let mut settings = vec![("TELEGRAM_API_URL", bot.url.as_str()), ("RATE_ADMIN", "100000/1")];
        settings.extend(more);
        Self { world: Arc::new(World::with(&settings).await), bot }
    }

    fn now(&self) -> Instant {
        self.world.now()
    }

    fn pass(&self, seconds: u64) {
        self.world.pass(Duration::from_secs(seconds));
    }

    /// A member of a city as of now, paid for thirty days.
    fn plan(&self, tg_id: i64, city: &str) -> Member {
        let now = self.now();
        Member {
            first_name: format!("Участник {tg_id}"),
            city: Some(city.to_owned()),
            city_key: Some(city_key(city)),
            subscription_expires: Some(now + days(30)),
            ..Member::new(tg_id, None, None, now)
        }
    }

    /// The same in the table.
    async fn paid(&self, tg_id: i64) -> Member {
        let member = self.plan(tg_id, CITY);
        self.world.put(&member).await;
        member
    }

    async fn member(&self, tg_id: i64) -> Member {
        self.world.member_now(tg_id).await
    }

    async fn call(&self, function: Function<App>, request: Request) -> Reply {
        self.world.call(function, request).await
    }

    /// A request of a member.
    async fn by(&self, tg_id: i64, request: Request) -> Request {
        request.token(&self.world.token(&self.member(tg_id).await).await)
    }

    /// A member asks to join.
    async fn joins(&self, tg_id: i64) -> Value {
        let request = self.by(tg_id, Request::post("/api/v1/decades/join", json!({}))).await;
        let reply = self.call(decade_join(), request).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.body
    }

    /// An administrator asks for something.
    async fn office(&self, function: Function<App>, path: &str, body: Value) -> Reply {
        let request = Request::post(path, body).header("x-admin-secret", ADMIN);
        self.call(function, request).await
    }

    /// A team with so many places.
    async fn team(&self, places: u32) -> Team {
        let body = json!({
            "city": CITY, "maxMembers": places, "inviteLink": "https://t.me/+team",
        });
        self.made(body).await
    }

    async fn made(&self, body: Value) -> Team {
        let reply = self.office(create(), "/api/teams", body).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        self.team_now(reply.body["team"]["id"].as_str().unwrap()).await
    }

    async fn team_now(&self, id: &str) -> Team {
        find(self.world.table(), id).await.unwrap().unwrap()
    }

    /// An administrator puts a member into a team.
    async fn puts(&self, team: &Team, tg_id: i64, role: &str) -> Reply {
        let path = format!("/api/teams/{}/join", team.id);
        self.office(join(), &path, json!({ "userId": tg_id, "role": role })).await
    }

    async fn leads(&self, team: &Team, tg_id: i64) -> Reply {
        let path = format!("/api/teams/{}/replace-leader", team.id);
        self.office(replace_leader(), &path, json!({ "userId": tg_id })).await
    }

    async fn leaves(&self, tg_id: i64) -> Reply {
        self.office(leave(), "/api/teams/leave", json!({ "userId": tg_id })).await
    }

    async fn distributes(&self) -> Value {
        let reply = self.office(distribute(), "/api/teams/distribute", json!({})).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.body
    }

    /// Every item of a kind.
    async fn all<E: Entity>(&self) -> Vec<E> {
        let mut found = Vec::new();
        for raw in self.world.items(E::KIND).await {
            let text = |name: &str| raw[name]["S"].as_str().unwrap().to_owned();
            let key = Key::new(text("pk"), text("sk"));
            found.extend(self.world.table().get::<E>(&key).await.unwrap());
        }
        found
    }

    /// What the outbox holds of a kind, by id.
    async fn asked(&self, message: &str) -> Vec<(String, Value)> {
        let rows = self.world.items("Outbox").await;
        let row = |row: &Value| {
            (row["id"]["S"].as_str().unwrap().to_owned(), row["payload"]["M"].clone())
        };
        rows.iter().map(row).filter(|(_, said)| said["message"]["S"] == message).collect()
    }

    /// What holds at any instant.
    async fn check(&self) {
        let (teams, places) = (self.all::<Team>().await, self.all::<Membership>().await);
        let members: BTreeMap<i64, Member> =
            self.all::<Member>().await.into_iter().map(|member| (member.tg_id, member)).collect();
        let mut numbers = Vec::new();
        for team in &teams {
            let own: Vec<_> = places.iter().filter(|place| place.team_id == team.id).collect();
            let beyond = own.iter().filter(|place| place.role == TeamRole::Ambassador).count();
            let counted =
                [team.member_count, team.ambassador_count].map(|n| usize::try_from(n).unwrap());
            assert_eq!(counted, [own.len() - beyond, beyond], "{team:?}");
            assert!(team.member_count <= team.max_members, "{team:?}");
            let leaders: Vec<i64> = own
                .iter()
                .filter(|place| place.role == TeamRole::Leader)
                .map(|place| place.tg_id)
                .collect();
            assert_eq!(leaders, Vec::from_iter(team.leader_tg), "{team:?}");
            assert_eq!(team.needs_leader, team.leader_tg.is_none(), "{team:?}");
            for leader in leaders {
                assert_eq!(members[&leader].is_team_leader, team.is_active, "{team:?}");
                assert_eq!(team.leader_id.as_ref(), Some(&members[&leader].id));
            }
            let item = self.world.item(&team.key()).await.unwrap();
            assert_eq!(item.text("rank_sk"), Some(team.place().as_str()), "{team:?}");
            numbers.push((team.city_key.clone(), team.number));
        }
        let count = numbers.len();
        numbers.sort();
        numbers.dedup();
        assert_eq!(numbers.len(), count, "{numbers:?}");
        for place in &places {
            let member = &members[&place.tg_id];
            assert_eq!(member.team_id.as_ref(), Some(&place.team_id), "{place:?}");
            assert_eq!(member.team_role, Some(place.role), "{place:?}");
        }
        let placed = members.values().filter(|member| member.team_id.is_some()).count();
        assert_eq!(placed, places.len());
        for member in members.values() {
            assert!(!member.is_team_leader || member.team_role == Some(TeamRole::Leader));
            let item = self.world.item(&member_key(member.tg_id)).await.unwrap();
            assert_eq!(item.text("payer_pk").is_some(), waits(member), "{member:?}");
        }
        let rows: Rows = self.world.table().batch(&[Tag::Teams.key()]).await.unwrap();
        let versions: u64 = teams.iter().map(|team| team.version).sum();
        assert_eq!(Tag::Teams.version(&rows).unwrap(), versions.to_string());
    }
}

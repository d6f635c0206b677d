//! Streams against the embedded engine.

mod attending;
mod crashes;
mod describing;
mod listing;
mod permissions;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use shared::clock::days;

use super::model::{Stream, StreamAttendance};
use super::{
    attend, attend_named, attendees, create, list, mine, next, of_one, one, replacing, set_status,
    stats, totals, upcoming,
};
use crate::App;
use crate::auth::Member;
use crate::testing::{Reply, Request, World};

/// Who watches in these tests.
const MEMBER: i64 = 1_000_000_001;
const SECRET: &str = "test-admin-secret-0123456789abcdef01";

/// A world with streams.
struct Hall {
    world: Arc<World>,
}

impl Hall {
    /// A hall with one member whose subscription is paid for ten days.
    async fn open() -> Self {
        let hall = Self { world: Arc::new(World::new().await) };
        hall.member(MEMBER).await;
        hall
    }

    async fn member(&self, tg_id: i64) {
        let until = Some(self.world.now() + days(10));
        let member = self.world.member(tg_id).await;
        self.world.put(&Member { subscription_expires: until, ..member }).await;
    }

    /// Describes a stream as the content route does.
    async fn describe(&self, id: &str, change: Value) {
        let mut fields = json!({
            "title": "Вечер", "scheduledAt": "2026-01-30T18:00:00Z", "status": "completed",
            "videoUrl": "https://video.example.com/1",
        });
        fields.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let made = replacing("stream", id, &fields, self.world.now()).unwrap();
        let mut writes = made.writes;
        writes.push(made.tag.raise());
        self.world.table().transact(writes).await.unwrap();
    }

    async fn token(&self, tg_id: i64) -> String {
        self.world.token(&self.world.member_now(tg_id).await).await
    }

    async fn get(&self, function: shared::function::Function<App>, path: &str) -> Reply {
        let request = Request::get(path).token(&self.token(MEMBER).await);
        self.world.call(function, request).await
    }

    async fn wish(&self, tg_id: i64, id: &str) -> Request {
        let body = json!({ "watchedOnline": true });
        let path = format!("/api/streams/{id}/attend");
        Request::post(&path, body).token(&self.token(tg_id).await)
    }

    async fn watch(&self, tg_id: i64, id: &str) -> Reply {
        self.world.call(attend(), self.wish(tg_id, id).await).await
    }

    /// A call of an administrator.
    async fn administer(
        &self,
        function: shared::function::Function<App>,
        request: Request,
    ) -> Reply {
        self.world.call(function, request.header("x-admin-secret", SECRET)).await
    }

    async fn stream(&self, id: &str) -> Stream {
        self.world.table().get(&Stream::key_of(id)).await.unwrap().unwrap()
    }

    async fn count(&self, kind: &str) -> usize {
        self.world.items(kind).await.len()
    }

    fn pass(&self, seconds: u64) {
        self.world.pass(Duration::from_secs(seconds));
    }

    /// Attendance, entry and balance belong together, whoever has watched what.
    async fn check_invariants(&self) {
        let entries = self.world.items("EnergyEntry").await;
        let attendances = self.world.items("StreamAttendance").await;
        assert_eq!(entries.len(), attendances.len());
        for row in &attendances {
            let key = format!("ENTRY#stream:{}", row["stream_id"]["S"].as_str().unwrap());
            let of = |entry: &&Value| entry["pk"] == row["pk"] && entry["sk"]["S"] == key.as_str();
            let entry = entries.iter().find(of).unwrap();
            assert_eq!(entry["delta"], row["energies"]);
        }
        for member in self.world.items("Member").await {
            let own = entries.iter().filter(|entry| entry["pk"] == member["pk"]);
            let sum: i64 = own
                .map(|entry| entry["delta"]["N"].as_str().unwrap().parse::<i64>().unwrap())
                .sum();
            assert_eq!(member["balance"]["N"].as_str().unwrap().parse::<i64>().unwrap(), sum);
        }
        for stream in self.world.items("Stream").await {
            let views: usize = stream["views"]["N"].as_str().unwrap_or("0").parse().unwrap();
            let counted = attendances
                .iter()
                .filter(|row| row["stream_id"] == stream["id"] && row["counted"]["BOOL"] == true);
            assert_eq!(views, counted.count());
        }
    }
}

//! What becomes of chats: the bot founds teams in them, hears hashtags, lets people in and turns
//! them away, moves with a group that has grown, and comes back.

use serde_json::{Value, json};

use super::scene::{BORIS, CHAT, CITY, FOR_LONG, VERA, counting};
use crate::bench::Bench;
use crate::walks::ANNA;

/// A small group, which becomes [`CHAT`].
const GROUP: i64 = -4_321;
/// The chat of a city.
const CITY_CHAT: i64 = -1_001_000_000_002;
/// A chat that is for members alone.
const PROTECTED: i64 = -1_001_000_000_009;

/// What Telegram tells of one chat; each update has its own number.
struct Ears<'a> {
    bench: &'a Bench,
    last: i64,
}

impl Ears<'_> {
    async fn hear(&mut self, kind: &str, mut what: Value) {
        self.last += 1;
        what["date"] = json!(1_768_910_400 + self.last);
        self.bench.hears(&json!({ "update_id": self.last, kind: what })).await;
    }

    /// Somebody's place has changed; the bot's own, where that is its.
    async fn moves(&mut self, chat: i64, id: Option<i64>, old: &str, new: &str) {
        let user = match id {
            Some(id) => json!({ "id": id, "is_bot": false, "first_name": "Анна" }),
            None => json!({ "id": 7_000_000_001_i64, "is_bot": true, "first_name": "Клуб" }),
        };
        let place = |status: &str| {
            let rules = status == "administrator";
            json!({
                "user": user, "status": status, "can_restrict_members": rules,
                "can_invite_users": rules,
            })
        };
        let kind = if id.is_some() { "chat_member" } else { "my_chat_member" };
        let change = json!({
            "chat": chat_of(chat), "from": person(id.unwrap_or(ANNA)),
            "old_chat_member": place(old), "new_chat_member": place(new),
        });
        self.hear(kind, change).await;
    }

    /// Somebody writes, with a photo.
    async fn posts(&mut self, chat: i64, id: i64, text: &str) {
        let photo = json!([{ "file_id": "x", "file_unique_id": "y", "width": 1, "height": 1 }]);
        let message = json!({
            "message_id": self.last + 1, "chat": chat_of(chat), "from": person(id),
            "caption": text, "photo": photo,
        });
        self.hear("message", message).await;
    }
}

fn chat_of(id: i64) -> Value {
    let kind = if id == GROUP { "group" } else { "supergroup" };
    json!({ "id": id, "type": kind, "title": "Десятка" })
}

fn person(id: i64) -> Value {
    json!({ "id": id, "is_bot": false, "first_name": "Анна" })
}

pub async fn walk() -> Bench {
    let protected = PROTECTED.to_string();
    let bench = counting(|options| options.set("PROTECTED_CHAT_IDS", &protected)).await;
    for id in [ANNA, BORIS] {
        bench.joins_the_club(id, FOR_LONG).await;
    }
    bench.sign_in(VERA).await;
    let path = format!("/api/admin/leaders/{ANNA}");
    bench.office("PUT", &path, &json!({ "canLead": true })).await;
    let path = format!("/api/admin/city-chats/{CITY_CHAT}");
    bench.office("PUT", &path, &json!({ "city": CITY })).await;
    let own =
        async |id: i64| bench.does(id, "GET", "/api/teams/my", &Value::Null).await["team"].clone();
    let mut ears = Ears { bench: &bench, last: 0 };
    ears.moves(GROUP, None, "left", "administrator").await;
    assert_eq!(own(ANNA).await["memberCount"], 1, "a team is founded");
    ears.hear("message", json!({
        "message_id": 9, "chat": chat_of(GROUP), "from": person(ANNA), "migrate_to_chat_id": CHAT,
    }))
    .await;
    ears.posts(CHAT, ANNA, "#отчёт").await;
    for text in ["#созвон #инсайт", "#созвон", "#созвон #сторис", "#практика"]
    {
        ears.posts(CITY_CHAT, BORIS, text).await;
    }
    for id in [ANNA, BORIS] {
        assert!(bench.member(id).await["energies"].as_i64() > Some(0), "hashtags earn");
    }
    for (id, chat) in [(BORIS, CHAT), (VERA, CHAT), (VERA, PROTECTED)] {
        ears.moves(chat, Some(id), "left", "member").await;
    }
    assert_eq!(own(ANNA).await["memberCount"], 2, "who comes has a place");
    ears.moves(CHAT, Some(BORIS), "member", "left").await;
    assert_eq!(own(ANNA).await["memberCount"], 1, "who goes has none");
    ears.moves(PROTECTED, None, "administrator", "member").await;
    ears.moves(CITY_CHAT - 1, None, "left", "administrator").await;
    ears.moves(CHAT, None, "administrator", "left").await;
    assert_eq!(own(ANNA).await, Value::Null, "the team has ended");
    ears.moves(CHAT, None, "left", "administrator").await;
    assert_eq!(own(ANNA).await["memberCount"], 1, "the team is there again");
    bench.converge().await;
    bench
}

//! Achievements as administrators write them.

use super::*;
use crate::tags::Tag;

async fn puts(club: &Club, id: &str, fields: Value) -> Value {
    let replacing = replacing("achievement", id, &fields, club.world.now()).unwrap();
    assert_eq!(replacing.tag, Tag::Content);
    let writes: Vec<Write> = replacing.writes.into_iter().chain([replacing.tag.raise()]).collect();
    club.world.table().transact(writes).await.unwrap();
    replacing.entity
}

async fn codes(club: &Club) -> Vec<String> {
    let all = achievements(club.world.table()).await.unwrap();
    all.into_iter().map(|achievement| achievement.code).collect()
}

fn good() -> Value {
    json!({
        "title": " Эфир ", "description": "Смотрите", "icon": "🎬", "xpReward": 30,
        "condition": { "type": "videos_completed", "value": 2 }, "unknown": 1,
    })
}

#[tokio::test]
async fn an_achievement_is_replaced_whole() {
    let club = Club::open().await;
    let entity = puts(&club, "videos_2", good()).await;
    let shown = json!({
        "id": "videos_2", "code": "videos_2", "title": "Эфир", "description": "Смотрите",
        "icon": "🎬", "xpReward": 30, "condition": { "type": "videos_completed", "value": 2 },
    });
    assert_eq!(entity, shown);
    club.does(Activity::Video).await;
    assert_eq!(club.does(Activity::Video).await.xp(), 30);
    let less = json!({
        "title": "x", "xpReward": 0, "condition": { "type": "streak", "value": 1 },
    });
    let entity = puts(&club, "videos_2", less).await;
    assert_eq!((&entity["description"], &entity["icon"]), (&Value::Null, &Value::Null));
    assert_eq!(codes(&club).await.len(), 9);
}

#[tokio::test]
async fn a_seeded_achievement_can_be_changed_and_taken_away() {
    let club = Club::open().await;
    let mut fields = good();
    fields["condition"] = json!({ "type": "meditations_completed", "value": 1 });
    puts(&club, "first_meditation", fields).await;
    assert_eq!(codes(&club).await.len(), 8);
    assert_eq!(club.does(meditation("m", 0)).await.xp(), 30);
    for id in ["level_5", "no_such", "first_meditation"] {
        for _ in 0..2 {
            club.world.table().transact(deleting("achievement", id)).await.unwrap();
        }
    }
    let left = codes(&club).await;
    assert_eq!(left.len(), 6);
    assert!(!left.contains(&"level_5".to_owned()));
    assert_eq!(club.gets("gift", 1_000).await.unlocked().count(), 0);
    // What was reached stays, but nothing more comes of it.
    assert_eq!(club.anna().await.achievements, ["first_meditation"]);
    puts(&club, "level_5", good()).await;
    assert_eq!(codes(&club).await.len(), 7);
}

#[tokio::test]
async fn a_change_of_the_content_changes_the_list_at_once() {
    let club = Club::open().await;
    let token = club.world.token(&club.anna().await).await;
    let instance = club.world.start(list()).await;
    let asked = || Request::get("/api/v1/gamification/achievements").token(&token);
    let first = club.world.send(&instance, asked()).await;
    puts(&club, "videos_2", good()).await;
    let etag = first.headers["etag"].as_str().unwrap();
    let next = club.world.send(&instance, asked().header("if-none-match", etag)).await;
    assert_eq!((next.status.as_u16(), &next.body["achievements"]["total"]), (200, &json!(9)));
}

#[tokio::test]
async fn what_is_no_achievement_is_refused() {
    let club = Club::open().await;
    let refused = |id: &str, fields: &Value| {
        let problem = replacing("achievement", id, fields, club.world.now()).unwrap_err();
        let fields = problem.fields().iter().map(|field| field.name.to_string());
        (problem.status().as_u16(), fields.collect::<Vec<_>>())
    };
    for (name, bad, told) in [
        ("title", json!(null), "title"),
        ("title", json!("я".repeat(201)), "title"),
        ("xpReward", json!(-1), "xpReward"),
        ("xpReward", json!(100_001), "xpReward"),
        ("xpReward", json!(null), "xpReward"),
        ("code", json!("other"), "code"),
        ("icon", json!(7), "icon"),
        ("condition", json!(null), "condition"),
        ("condition", json!("streak"), "condition.type"),
        ("condition", json!({}), "condition.type"),
        ("condition", json!({ "type": "logins", "value": 1 }), "condition.type"),
        ("condition", json!({ "type": "streak" }), "condition.value"),
        ("condition", json!({ "type": "streak", "value": 0 }), "condition.value"),
        ("condition", json!({ "type": "streak", "value": 1.5 }), "condition.value"),
        ("condition", json!({ "type": "streak", "value": 1_000_000_001_u32 }), "condition.value"),
    ] {
        let mut fields = good();
        fields[name] = bad.clone();
        assert_eq!(refused("x", &fields), (400, vec![told.to_owned()]), "{name} {bad}");
    }
    let (status, all) = refused("x", &json!({}));
    assert_eq!((status, all.join(" ")), (400, "title xpReward condition".to_owned()));
    assert_eq!(refused("x", &json!([])).0, 400);
    for id in ["", "a b", "ключ", "a/b", &"x".repeat(65)] {
        assert_eq!(refused(id, &good()).0, 404, "{id}");
        assert!(deleting("achievement", id).is_empty());
    }
    assert!(replacing("course", "x", &good(), club.world.now()).is_err());
    assert!(deleting("course", "x").is_empty());
}

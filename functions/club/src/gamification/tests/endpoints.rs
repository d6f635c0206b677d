//! What members see.

use super::*;

const STATS: &str = "/api/v1/gamification/stats";
const HISTORY: &str = "/api/v1/gamification/xp-history";
const LIST: &str = "/api/v1/gamification/achievements";

#[tokio::test]
async fn the_stats_are_one_read() {
    let club = Club::open().await;
    club.gets("gift", 281).await;
    club.does(Activity::Stream).await;
    let reply = club.get(stats(), STATS).await;
    let shown = json!({
        "level": 3, "experience": 281, "streak": 1, "lastActiveDate": "2026-01-31T12:00:00.000Z",
        "currentLevelXP": 250, "nextLevelXP": 500, "progressToNextLevel": 31,
        "xpNeededForNextLevel": 250, "progressPercent": 12,
    });
    assert_eq!((&reply.body["stats"], reply.cost.requests), (&shown, 1));
    assert_eq!(reply.headers["cache-control"], "private, no-cache, max-age=60");
}

#[tokio::test]
async fn what_is_known_is_not_sent_again_and_what_changes_is() {
    let club = Club::open().await;
    let token = club.world.token(&club.anna().await).await;
    for (function, path) in [(stats(), STATS), (xp_history(), HISTORY), (list(), LIST)] {
        let instance = club.world.start(function).await;
        let asked = || Request::get(path).token(&token);
        let miss = club.world.send(&instance, asked()).await;
        assert_eq!((miss.status.as_u16(), &miss.headers["x-cache"]), (200, &json!("MISS")));
        let hit = club.world.send(&instance, asked()).await;
        assert_eq!((&hit.headers["x-cache"], &hit.body), (&json!("HIT"), &miss.body));
        let etag = miss.headers["etag"].as_str().unwrap();
        let known = asked().header("if-none-match", etag);
        let same = club.world.send(&instance, known.clone()).await;
        assert_eq!((same.status.as_u16(), same.cost.requests, same.cost.items), (304, 1, 0));
        club.gets(path, 100).await;
        let fresh = club.world.send(&instance, known).await;
        assert_eq!(fresh.status, 200, "{path}");
        assert_ne!(fresh.headers["etag"], miss.headers["etag"], "{path}");
    }
}

#[tokio::test]
async fn the_history_adds_up_days_of_moscow() {
    let club = Club::open().await;
    club.gets("old", 1).await;
    // Seven days back, counted from nine in the evening of 30 January, UTC.
    club.pass(6 * DAY + 9 * 3_600);
    club.gets("a", 2).await;
    club.pass(DAY - 1);
    club.gets("b", 3).await;
    club.gets("c", 4).await;
    let reply = club.get(xp_history(), HISTORY).await;
    let lines = reply.body["history"].as_array().unwrap();
    let ids: Vec<_> = lines.iter().map(|line| line["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["c", "b", "a"]);
    let first = json!({
        "id": "c", "userId": club.anna().await.id, "amount": 4, "reason": "Подарок",
        "createdAt": club.world.now(),
    });
    assert_eq!(lines[0], first);
    assert_eq!(reply.body["byDay"], json!({ "2026-02-07": 9 }));
    assert_eq!((&reply.body["total"], reply.cost.requests), (&json!(9), 2));
    for (days, total) in [("1", 9), ("7", 9), ("8", 10), ("90", 10)] {
        let reply = club.get(xp_history(), &format!("{HISTORY}?days={days}")).await;
        assert_eq!(reply.body["total"], total, "{days}");
    }
    for bad in ["", "0", "91", "-1", "+7", "7.5", "x", "99999999999999999999"] {
        let reply = club.get(xp_history(), &format!("{HISTORY}?days={bad}")).await;
        assert_eq!(code(&reply), (400, "validation_failed".to_owned()), "{bad}");
    }
}

#[tokio::test]
async fn another_day_shows_another_window() {
    let club = Club::open().await;
    club.gets("x", 5).await;
    let token = club.world.token(&club.anna().await).await;
    let instance = club.world.start(xp_history()).await;
    let asked = || Request::get("/api/v1/gamification/xp-history?days=1").token(&token);
    let first = club.world.send(&instance, asked()).await;
    assert_eq!(first.body["total"], 5);
    club.pass(9 * 3_600);
    let etag = first.headers["etag"].as_str().unwrap();
    let next = club.world.send(&instance, asked().header("if-none-match", etag)).await;
    assert_eq!((next.status.as_u16(), &next.body["total"]), (200, &json!(0)));
}

#[tokio::test]
async fn achievements_are_unlocked_or_locked() {
    let club = Club::open().await;
    let none = club.get(list(), LIST).await;
    let lists = &none.body["achievements"];
    assert_eq!((&lists["total"], &lists["unlockedCount"]), (&json!(8), &json!(0)));
    assert_eq!(lists["locked"].as_array().unwrap().len(), 8);
    club.pass(60);
    club.does(meditation("m", 50)).await;
    let one = club.get(list(), LIST).await;
    let lists = &one.body["achievements"];
    assert_eq!((&lists["total"], &lists["unlockedCount"]), (&json!(8), &json!(1)));
    let first = json!([{
        "id": "first_meditation", "code": "first_meditation", "title": "Первая медитация",
        "description": "Завершите первую медитацию", "icon": "🧘", "xpReward": 50,
        "unlockedAt": "2026-01-31T12:01:00.000Z",
    }]);
    assert_eq!((&lists["unlocked"], one.cost.requests), (&first, 3));
    assert_eq!(lists["locked"][0]["unlockedAt"], Value::Null);
}

#[tokio::test]
async fn a_first_contact_finds_everything_empty() {
    let club = Club::open().await;
    for (function, path) in [(stats(), STATS), (xp_history(), HISTORY), (list(), LIST)] {
        let reply = club.world.call(function, Request::get(path)).await;
        assert_eq!(code(&reply), (401, "unauthorized".to_owned()), "{path}");
    }
}

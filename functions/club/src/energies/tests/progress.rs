//! What a member can still earn.

use http::StatusCode;

use super::*;

const PATH: &str = "/api/v1/energies/weekly-progress";

#[tokio::test]
async fn what_was_earned_is_used_until_its_period_is_over() {
    let club = Club::open().await;
    let member = club.world.member_now(ANNA).await;
    let token = club.world.token(&member).await;
    let instance = club.world.start(weekly_progress()).await;
    let ask = || Request::get(PATH).token(&token);
    let fresh = club.world.send(&instance, ask()).await;
    assert_eq!((fresh.status, fresh.cost.requests), (StatusCode::OK, 1));
    assert_eq!(fresh.headers["cache-control"], "private, no-cache, max-age=60");
    let otchet = json!({
        "hashtags": ["#отчет", "#отчёт", "#дз"], "used": 0, "max": 1, "period": "day",
        "reward": 50, "chat": "decade", "description": "Отчёт дня в чате вашей десятки",
    });
    assert_eq!(fresh.body["progress"]["otchet"], otchet);
    let praktika = json!({
        "hashtags": ["#практика"], "used": 0, "max": 1, "period": "week", "reward": 50,
        "chat": "city", "requiresMedia": true, "weekendOnly": true,
        "description": "Фото или видео с субботней практики в чате города",
    });
    assert_eq!(fresh.body["progress"]["praktika"], praktika);
    let rest = |body: &Value| {
        ["insight", "sozvon", "storis", "combo", "challeng"].map(|rule| {
            let rule = &body["progress"][rule];
            (rule["used"].as_u64().unwrap(), rule["max"].as_u64().unwrap(), rule["reward"].as_u64())
        })
    };
    let expected = [
        (0, 3, Some(40)),
        (0, 3, Some(100)),
        (0, 3, Some(200)),
        (0, 3, Some(300)),
        (0, 1, Some(1)),
    ];
    assert_eq!(rest(&fresh.body), expected);
    assert_eq!(fresh.body["isLeader"], false);
    assert_eq!(fresh.body["weekStartMsk"], "2026-02-01T21:00:00.000Z");
    let etag = fresh.headers["etag"].as_str().unwrap().to_owned();
    let known = club.world.send(&instance, ask().header("if-none-match", &etag)).await;
    assert_eq!((known.status, known.cost.requests), (StatusCode::NOT_MODIFIED, 1));

    club.posts(CITY_CHAT, 1, "#созвон #инсайт", photo()).await;
    club.posts(TEAM_CHAT, 2, "#отчет", json!({})).await;
    let used = |body: &Value, rule: &str| body["progress"][rule]["used"].clone();
    let later = club.world.send(&instance, ask().header("if-none-match", &etag)).await;
    assert_eq!(later.status, StatusCode::OK);
    for (rule, count) in [("sozvon", 1), ("insight", 1), ("otchet", 1), ("combo", 0)] {
        assert_eq!(used(&later.body, rule), count, "{rule}");
    }
    // A day later the report is free again, and the old answer is no longer valid.
    let etag = later.headers["etag"].as_str().unwrap().to_owned();
    club.pass(9 * 3_600);
    let tomorrow = club.world.send(&instance, ask().header("if-none-match", &etag)).await;
    assert_eq!(tomorrow.status, StatusCode::OK);
    assert_eq!(
        (used(&tomorrow.body, "otchet"), used(&tomorrow.body, "sozvon")),
        (json!(0), json!(1))
    );
    club.pass(5 * 86_400);
    let next_week = club.world.send(&instance, ask()).await;
    assert_eq!(used(&next_week.body, "sozvon"), 0);
    assert_eq!(next_week.body["weekStartMsk"], "2026-02-08T21:00:00.000Z");
}

#[tokio::test]
async fn a_leader_reads_that_rewards_are_doubled() {
    let club = Club::open().await;
    let member = club.world.member_now(ANNA).await;
    club.world.put(&Member { is_team_leader: true, version: 7, ..member.clone() }).await;
    let token = club.world.token(&member).await;
    let reply = club.world.call(weekly_progress(), Request::get(PATH).token(&token)).await;
    assert_eq!(reply.body["isLeader"], true);
    assert_eq!(reply.body["progress"]["insight"]["reward"], 40);
    assert_eq!(club.world.call(weekly_progress(), Request::get(PATH)).await.status, 401);
}

#[tokio::test]
async fn a_place_that_is_seen_before_the_members_change_is_in_the_validator() {
    let club = Club::open().await;
    let token = club.world.token(&club.world.member_now(ANNA).await).await;
    let ask = async |tag: &str| {
        let request = Request::get(PATH).token(&token).header("if-none-match", tag);
        club.world.call(weekly_progress(), request).await
    };
    let first = ask("\"none\"").await;
    let tag = first.headers["etag"].as_str().unwrap();
    let slot = slots::Rule::Insight.places(ANNA, club.world.now()).remove(0);
    club.world.put(&slot).await;
    let later = ask(tag).await;
    assert_eq!(
        (later.status, &later.body["progress"]["insight"]["used"]),
        (StatusCode::OK, &json!(1))
    );
}

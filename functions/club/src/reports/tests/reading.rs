//! What members see of their reports.

use super::*;

const MY: &str = "/api/reports/my";

fn my() -> Function<App> {
    list("club-reports-my", MY)
}

fn own_stats() -> Function<App> {
    stats("club-reports-stats-my", "/api/reports/stats/my")
}

#[tokio::test]
async fn the_list_is_newest_week_first_and_bounded() {
    let club = Club::open().await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(club.report(ANNA).await);
        club.report(BORIS).await;
        club.pass(WEEK);
    }
    ids.reverse();
    let shown = |reply: &Reply| -> Vec<String> {
        let reports = reply.body["reports"].as_array().unwrap();
        reports.iter().map(|report| report["id"].as_str().unwrap().to_owned()).collect()
    };
    let all = club.get(my(), MY).await;
    assert_eq!((shown(&all), all.cost.requests), (ids.clone(), 2));
    let user = list("club-reports-user", "/api/reports/user");
    assert_eq!(shown(&club.get(user, "/api/reports/user").await), ids);
    assert_eq!(shown(&club.get(my(), &format!("{MY}?limit=2")).await), ids[..2]);
    assert_eq!(shown(&club.get(my(), &format!("{MY}?limit=99999")).await), ids);
    for bad in ["0", "-1", "x", ""] {
        let reply = club.get(my(), &format!("{MY}?limit={bad}")).await;
        assert_eq!(code(&reply), (400, "validation_failed".to_owned()), "{bad}");
    }
}

#[tokio::test]
async fn the_current_report_is_one_read() {
    let club = Club::open().await;
    let path = "/api/reports/current";
    let none = club.get(current(), path).await;
    assert_eq!((&none.body["report"], none.cost.requests), (&Value::Null, 1));
    let id = club.report(ANNA).await;
    assert_eq!(club.get(current(), path).await.body["report"]["id"], id);
    club.pass(33 * HOUR);
    assert_eq!(club.get(current(), path).await.body["report"], Value::Null);
    let past = club.get(week(), "/api/reports/week?weekNumber=5&year=2026").await;
    assert_eq!((&past.body["report"]["id"], past.cost.requests), (&json!(id), 1));
    assert_eq!(club.get(week(), "/api/reports/week?weekNumber=05").await.body["report"]["id"], id);
    for other in ["weekNumber=5&year=2025", "weekNumber=6", "weekNumber=53"] {
        let reply = club.get(week(), &format!("/api/reports/week?{other}")).await;
        assert_eq!((reply.status.as_u16(), &reply.body["report"]), (200, &Value::Null), "{other}");
    }
    for bad in ["", "weekNumber=", "weekNumber=0", "weekNumber=54", "weekNumber=x", "weekNumber=-5"]
    {
        let reply = club.get(week(), &format!("/api/reports/week?{bad}")).await;
        assert_eq!(reply.body["fields"][0]["name"], "weekNumber", "{bad}");
    }
    for bad in ["x", "1969", "10000", "99999999", "-1", "20.5"] {
        let reply = club.get(week(), &format!("/api/reports/week?weekNumber=5&year={bad}")).await;
        assert_eq!(reply.body["fields"][0]["name"], "year", "{bad}");
    }
}

#[tokio::test]
async fn one_report_is_its_owners_alone() {
    let club = Club::open().await;
    let (own, other) = (club.report(ANNA).await, club.report(BORIS).await);
    let shown = club.get(one(), &format!("/api/reports/{own}")).await;
    assert_eq!(
        (&shown.body["report"]["content"], shown.cost.requests),
        (&json!("Одно два три"), 2)
    );
    let long = "x".repeat(3_000);
    for id in [other.as_str(), "01KG9JV9M0SAMP0EREP0RT0000", "x", "%FF", &long] {
        let reply = club.get(one(), &format!("/api/reports/{id}")).await;
        assert_eq!(code(&reply), (404, "not_found".to_owned()), "{id}");
    }
}

#[tokio::test]
async fn what_is_known_is_not_sent_again_and_what_changes_is() {
    let club = Club::open().await;
    let id = club.report(ANNA).await;
    let token = club.token(ANNA).await;
    let path = format!("/api/reports/{id}");
    for (function, path) in [
        (my(), MY),
        (current(), "/api/reports/current"),
        (week(), "/api/reports/week?weekNumber=5"),
        (one(), path.as_str()),
        (own_stats(), "/api/reports/stats/my"),
    ] {
        let instance = club.world.start(function).await;
        let asked = || Request::get(path).token(&token);
        let miss = club.world.send(&instance, asked()).await;
        assert_eq!((miss.status.as_u16(), &miss.headers["x-cache"]), (200, &json!("MISS")));
        assert_eq!(miss.headers["cache-control"], "private, no-cache, max-age=60");
        let etag = miss.headers["etag"].as_str().unwrap();
        let known = asked().header("if-none-match", etag);
        let same = club.world.send(&instance, known.clone()).await;
        assert_eq!((same.status.as_u16(), same.cost.requests), (304, 1), "{path}");
        club.world.table().write(crate::tags::touch(ANNA)).await.unwrap();
        assert_eq!(club.world.send(&instance, known).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn the_deadline_reads_nothing() {
    let club = Club::open().await;
    let asked = async || club.get(deadline(), "/api/reports/deadline").await;
    let reply = asked().await;
    let shown = json!({
        "success": true, "deadline": "2026-02-01T20:59:59.999Z", "weekNumber": 5, "year": 2026,
        "hoursRemaining": 32, "isDeadlinePassed": false,
    });
    assert_eq!((reply.body, reply.cost.requests), (shown, 0));
    club.pass(33 * HOUR);
    let next = asked().await;
    assert_eq!((&next.body["weekNumber"], &next.body["hoursRemaining"]), (&json!(6), &json!(167)));
}

#[tokio::test]
async fn numbers_add_up_and_change_with_the_clock() {
    let club = Club::open().await;
    let empty = club.get(own_stats(), "/api/reports/stats/my").await;
    let nothing = json!({
        "totalReports": 0, "totalEpEarned": 0, "totalEnergiesEarned": 0, "currentStreak": 0,
        "longestStreak": 0, "averageWordCount": 0, "submittedThisWeek": false,
        "hoursUntilDeadline": 32,
    });
    assert_eq!(empty.body["stats"], nothing);
    for words in ["a", "a b", "a b c d"] {
        club.submits(ANNA, words).await;
        club.pass(WEEK);
    }
    club.pass(WEEK);
    club.submits(ANNA, "a b").await;
    club.pass(WEEK);
    let reply = club.get(own_stats(), "/api/reports/stats/my").await;
    let shown = json!({
        "totalReports": 4, "totalEpEarned": 400, "totalEnergiesEarned": 400, "currentStreak": 1,
        "longestStreak": 3, "averageWordCount": 2, "submittedThisWeek": false,
        "hoursUntilDeadline": 32,
    });
    assert_eq!((&reply.body["stats"], reply.cost.requests), (&shown, 2));
    for (name, value) in shown.as_object().unwrap() {
        assert_eq!(&reply.body[name], value, "beside stats: {name}");
    }
    let twin = stats("club-reports-stats", "/api/reports/stats");
    assert_eq!(club.get(twin, "/api/reports/stats").await.body, reply.body);
    let instance = club.world.start(own_stats()).await;
    let token = club.token(ANNA).await;
    let etag = reply.headers["etag"].as_str().unwrap();
    let known = Request::get("/api/reports/stats/my").token(&token).header("if-none-match", etag);
    assert_eq!(club.world.send(&instance, known.clone()).await.status, 304);
    club.pass(HOUR);
    let later = club.world.send(&instance, known).await;
    assert_eq!(later.body["stats"]["hoursUntilDeadline"], 31);
}

#[tokio::test]
async fn a_report_that_is_newer_than_its_member_has_a_validator_of_its_own() {
    let club = Club::open().await;
    club.report(ANNA).await;
    let kept = club.world.member_now(ANNA).await;
    let report = club.get(current(), "/api/reports/current").await;
    let rows: Vec<model::WeeklyReport> = store::newest(club.world.table(), ANNA, 1).await.unwrap();
    // The same report of another id, and a member of the same version.
    club.world.put(&model::WeeklyReport { id: "another".to_owned(), ..rows[0].clone() }).await;
    assert_eq!(club.world.member_now(ANNA).await.version, kept.version);
    let other = club.get(current(), "/api/reports/current").await;
    assert_eq!((report.status.as_u16(), other.status.as_u16()), (200, 200));
    assert_ne!(report.headers["etag"], other.headers["etag"]);
}

#[tokio::test]
async fn two_marks_of_one_place_are_read_at_once() {
    let club = Club::open().await;
    let first = club.report(ANNA).await;
    assert_eq!(club.deletes(ANNA, &first).await.status, 200);
    let second = club.report(ANNA).await;
    let table = club.world.table();
    let mut marks = Vec::new();
    for id in [&first, &second] {
        let mark: model::Mark =
            table.get(&model::Mark::key_of(id).unwrap()).await.unwrap().unwrap();
        marks.push(mark);
    }
    let reports = store::of_marks(table, &marks).await.unwrap();
    let ids: Vec<_> = reports.into_iter().map(|report| report.id).collect();
    assert_eq!(ids, [second]);
}

//! What administrators see of all reports.

use super::*;

#[tokio::test]
async fn a_week_is_listed_newest_first_page_after_page() {
    let club = Club::open().await;
    let mut ids = Vec::new();
    for n in 0..5_i64 {
        let tg_id = 7_000 + n;
        let until = Some(club.world.now() + days(30));
        let member = Member { subscription_expires: until, ..club.world.member(tg_id).await };
        club.world.put(&member).await;
        ids.push(club.report(tg_id).await);
        club.pass(60);
    }
    ids.reverse();
    let gone = club.report(ANNA).await;
    club.deletes(ANNA, &gone).await;
    let all = club.asks(of_week(), "/api/reports/week/5?year=2026").await;
    let shown = |reply: &Reply| -> Vec<String> {
        let reports = reply.body["reports"].as_array().unwrap();
        reports.iter().map(|report| report["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!((shown(&all), &all.body["nextCursor"]), (ids.clone(), &Value::Null));
    assert_eq!(
        (all.cost.requests, &all.body["reports"][0]["content"]),
        (2, &json!("Одно два три"))
    );
    let (mut paged, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let page = club.asks(of_week(), &format!("/api/reports/week/5{query}")).await;
        paged.extend(shown(&page));
        let Some(cursor) = page.body["nextCursor"].as_str() else { break };
        query = format!("?limit=2&cursor={cursor}");
    }
    assert_eq!(paged, ids);
    // A cursor is of its week alone.
    let foreign = club.asks(of_week(), &format!("/api/reports/week/6{query}")).await;
    assert_eq!(code(&foreign), (400, "validation_failed".to_owned()));
    for other in ["6", "5?year=2025", "53"] {
        let reply = club.asks(of_week(), &format!("/api/reports/week/{other}")).await;
        assert_eq!(shown(&reply), Vec::<String>::new(), "{other}");
    }
    for bad in ["0", "54", "x", "-1", "5.0", "%D1%8F"] {
        let reply = club.asks(of_week(), &format!("/api/reports/week/{bad}")).await;
        assert_eq!(code(&reply), (404, "not_found".to_owned()), "{bad}");
    }
    for bad in ["5?year=x", "5?limit=0", "5?cursor=x"] {
        let reply = club.asks(of_week(), &format!("/api/reports/week/{bad}")).await;
        assert_eq!(code(&reply), (400, "validation_failed".to_owned()), "{bad}");
    }
}

#[tokio::test]
async fn a_year_adds_up_week_by_week() {
    let club = Club::open().await;
    club.submits(ANNA, "a b c").await;
    club.submits(BORIS, "a b").await;
    club.pass(WEEK);
    club.submits(ANNA, "a").await;
    let gone = club.report(BORIS).await;
    club.deletes(BORIS, &gone).await;
    let reply = club.asks(global_stats(), "/api/reports/stats/global").await;
    let shown = json!({
        "year": 2026, "totalReports": 3, "totalMembers": 2, "totalEpEarned": 300,
        "totalEnergiesEarned": 300, "averageWordCount": 2, "reportsThisWeek": 1,
        "hoursUntilDeadline": 32, "complete": true,
        "weeks": [
            { "weekNumber": 5, "reports": 2, "energiesEarned": 200 },
            { "weekNumber": 6, "reports": 1, "energiesEarned": 100 },
        ],
    });
    assert_eq!(reply.body["stats"], shown);
    assert_eq!((&reply.body["totalReports"], reply.cost.requests), (&json!(3), 6));
    let before = club.asks(global_stats(), "/api/reports/stats/global?year=2025").await;
    assert_eq!((&before.body["stats"]["totalReports"], before.cost.requests), (&json!(0), 52));
    let after = club.asks(global_stats(), "/api/reports/stats/global?year=2027").await;
    assert_eq!((&after.body["stats"]["totalReports"], after.cost.requests), (&json!(0), 0));
}

#[tokio::test]
async fn members_do_not_see_the_reports_of_all() {
    let club = Club::open().await;
    for (function, path) in
        [(of_week(), "/api/reports/week/5"), (global_stats(), "/api/reports/stats/global")]
    {
        let reply = club.get(function, path).await;
        assert_eq!(code(&reply), (403, "admin_required".to_owned()), "{path}");
    }
}

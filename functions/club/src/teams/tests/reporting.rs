//! Reports of leaders.

use super::*;

async fn club() -> (Club, Team) {
    let club = Club::open().await;
    let team = club.team(10).await;
    for (tg_id, role) in [(1, "leader"), (2, "member")] {
        club.world
            .put(&Member {
                subscription_expires: Some(club.now() + days(60)),
                ..club.plan(tg_id, CITY)
            })
            .await;
        club.puts(&team, tg_id, role).await;
    }
    (club, team)
}

async fn tells(club: &Club, tg_id: i64, body: Value) -> Value {
    let request = club.by(tg_id, Request::post("/api/v1/decades/report", body)).await;
    club.call(report(), request).await.body
}

async fn status(club: &Club, tg_id: i64) -> (bool, bool) {
    let request = club.by(tg_id, Request::post("/api/v1/decades/report-status", json!({}))).await;
    let body = club.call(report_status(), request).await.body;
    (body["hasReported"].as_bool().unwrap(), body["canSubmit"].as_bool().unwrap())
}

#[tokio::test]
async fn a_leader_reports_once_a_week_and_only_at_its_end() {
    // Saturday.
    let (club, team) = club().await;
    assert_eq!(status(&club, 1).await, (false, true));
    let red = json!({ "status": "red" });
    assert_eq!(tells(&club, 1, red).await["error"], "Опишите проблему при красном статусе");
    let body = json!({ "status": "red", "problemDescription": " мало людей " });
    let told = tells(&club, 1, body).await;
    assert_eq!(told["success"], true, "{told}");
    assert_eq!(told["report"]["problemDescription"], "мало людей");
    assert_eq!((&told["report"]["weekNumber"], &told["report"]["year"]), (&json!(5), &json!(2026)));
    assert_eq!(told["report"]["weekStart"], "2026-01-25T21:00:00.000Z");
    assert_eq!(status(&club, 1).await, (true, false));
    let green = json!({ "status": "green" });
    assert_eq!(tells(&club, 1, green.clone()).await["error"], "Отчёт за эту неделю уже отправлен");
    // Monday.
    club.pass(2 * 86_400);
    assert_eq!(status(&club, 1).await, (false, false));
    let early = tells(&club, 1, green.clone()).await["error"].clone();
    assert_eq!(early, "Отчёт можно отправить только с пятницы по воскресенье");
    // Friday.
    club.pass(4 * 86_400);
    assert_eq!(tells(&club, 1, green.clone()).await["success"], true);
    let reports = club.world.items("LeaderReport").await;
    assert_eq!(reports.len(), 2);
    // Another leader of the same team finds the week taken.
    assert_eq!(club.leads(&team, 2).await.status, 200);
    assert_eq!(tells(&club, 2, green.clone()).await["error"], "Отчёт за эту неделю уже отправлен");
    assert_eq!(tells(&club, 1, green).await["error"], "Вы не ведёте активную десятку");
}

#[tokio::test]
async fn nobody_else_reports_and_nonsense_is_refused() {
    let (club, _) = club().await;
    let green = json!({ "status": "green" });
    assert_eq!(tells(&club, 2, green).await["error"], "Вы не ведёте активную десятку");
    assert_eq!(status(&club, 2).await, (false, false));
    for body in [
        json!({}),
        json!({ "status": "amber" }),
        json!({ "status": "red", "problemDescription": "ы".repeat(1_001) }),
    ] {
        assert_eq!(tells(&club, 1, body.clone()).await["code"], "validation_failed", "{body}");
    }
    assert_eq!(club.world.items("LeaderReport").await.len(), 0);
}

#[tokio::test]
async fn administrators_see_the_lights_of_a_week() {
    let (club, team) = club().await;
    club.made(json!({ "city": "Казань" })).await;
    tells(&club, 1, json!({ "status": "green" })).await;
    let see = async |function: Function<App>, path: &str| {
        let reply = club.call(function, Request::get(path).header("x-admin-secret", ADMIN)).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.body
    };
    let reports = see(admin_reports(), "/api/v1/decades/admin/reports").await;
    assert_eq!(reports["reports"].as_array().unwrap().len(), 1);
    assert_eq!(reports["reports"][0]["teamId"], team.id);
    let path = "/api/v1/decades/admin/reports?weekNumber=4&year=2026";
    assert_eq!(see(admin_reports(), path).await["reports"], json!([]));
    let path = "/api/v1/decades/admin/reports?city=%D0%9A%D0%B0%D0%B7%D0%B0%D0%BD%D1%8C";
    assert_eq!(see(admin_reports(), path).await["reports"], json!([]));
    let stats = see(admin_stats(), "/api/v1/decades/admin/stats").await;
    assert_eq!(stats["reports"], json!({ "green": 1, "red": 0, "missing": 1 }));
    assert_eq!((&stats["stats"]["totalTeams"], &stats["needsLeader"]), (&json!(2), &json!(1)));
    let all = see(admin_all(), "/api/v1/decades/admin/all").await;
    assert_eq!((&all["total"], &all["decades"][1]["city"]), (&json!(2), &json!(CITY)));
    let path = format!("/api/v1/decades/admin/members/{}", team.id);
    let members = see(admin_members(), &path).await;
    assert_eq!(members["members"].as_array().unwrap().len(), 2);
    let bad = Request::get("/api/v1/decades/admin/reports?weekNumber=54");
    let bad = club.call(admin_reports(), bad.header("x-admin-secret", ADMIN)).await;
    assert_eq!(bad.body["code"], "validation_failed");
    let none = Request::get("/api/v1/decades/admin/members/none").header("x-admin-secret", ADMIN);
    assert_eq!(club.call(admin_members(), none).await.status, 404);
}

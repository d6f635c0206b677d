//! Weekly reports (§5.5, §12; acceptance 24, properties 18 and 28).

use serde_json::{Value, json};
use tests::{Call, Member, World, at_once, local};

use crate::{DAY, tag, unless};

const SUBMIT: &str = "/api/reports/submit";
const CURRENT: &str = "/api/reports/current";
const MY: &str = "/api/reports/my";
const STATS: &str = "/api/reports/stats/my";
const WEEK: u64 = 7 * DAY;

fn submit(member: &Member) -> Call {
    member.post(SUBMIT, &json!({"content": "За неделю: практика, эфир и встреча"}))
}

/// A member whose subscription lasts for the whole test.
async fn paid(world: &World, id: i64) -> Member {
    let member = world.member(id, "Анна").await;
    let grant = json!({"telegram_id": member.id(), "days": 3_650});
    let call = world.post("/api/admin/grant-subscription", &grant);
    call.header("x-admin-secret", world.secret("ADMIN_SECRET")).await.ok();
    member
}

fn id_of(body: &Value) -> String {
    body["report"]["id"].as_str().unwrap_or_else(|| panic!("report.id: {body}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a24_a_report_earns_once_and_is_given_back_exactly() {
    let world = local!();
    let anna = paid(&world, 42).await;
    let before = tag(&anna.get(CURRENT).await);
    let first = submit(&anna).await.ok();
    assert_eq!((&first["energiesEarned"], anna.balance().await), (&json!(100), 100));
    let report = &first["report"];
    let shown = json!({
        "userId": anna.uuid, "weekNumber": 4, "year": 2026, "energiesEarned": 100,
        "content": "За неделю: практика, эфир и встреча", "deadline": "2026-01-25T20:59:59.999Z",
        "submittedAt": "2026-01-20T12:00:00.000Z",
    });
    for (field, value) in shown.as_object().unwrap() {
        assert_eq!(&report[field], value, "{field}");
    }
    assert!(report["metadata"].is_object());
    let fresh = unless(anna.get(CURRENT), &before).await;
    assert_eq!(&fresh.ok()["report"], report);
    let again = submit(&anna).await.problem(409, "report_exists");
    assert_eq!(again["error"], "Report already submitted for this week");
    assert_eq!(anna.history().await[0]["reason"], "Сдача отчета недели");

    let path = format!("/api/reports/{}", id_of(&first));
    assert_eq!(&anna.get(&path).await.ok()["report"], report);
    assert_eq!(anna.call("DELETE", &path).await.ok()["energiesReturned"], 100);
    assert_eq!(anna.call("DELETE", &path).await.ok()["energiesReturned"], 100, "once more");
    assert_eq!(anna.balance().await, 0);
    assert_eq!(anna.history().await[0]["reason"], "Возврат за удаленный отчет");
    anna.get(&path).await.problem(404, "not_found");
    assert_eq!(anna.get(CURRENT).await.ok()["report"], Value::Null);

    let next = submit(&anna).await.ok();
    assert_eq!((&next["energiesEarned"], anna.balance().await), (&json!(100), 100));
    assert_ne!(id_of(&next), id_of(&first));
    world.advance(DAY + 1).await;
    let anna = anna.user.sign_in().await;
    let path = format!("/api/reports/{}", id_of(&next));
    anna.call("DELETE", &path).await.problem(409, "delete_window_over");
}

#[tokio::test(flavor = "multi_thread")]
async fn a24_what_was_spent_is_not_given_back_and_what_is_anothers_neither() {
    let world = local!();
    let (anna, boris) = (paid(&world, 42).await, paid(&world, 43).await);
    let vera = world.member(44, "Вера").await;
    submit(&vera).await.problem(403, "subscription_required");
    let path = format!("/api/reports/{}", id_of(&submit(&anna).await.ok()));
    boris.get(&path).await.problem(404, "not_found");
    boris.call("DELETE", &path).await.problem(403, "not_owner");
    let spend = json!({"userId": anna.uuid, "amount": 1, "reason": "x"});
    let spend = world.post("/api/v1/energies/spend", &spend);
    spend.header("x-admin-secret", world.secret("ADMIN_SECRET")).await.ok();
    anna.call("DELETE", &path).await.problem(409, "insufficient_energies");
    assert_eq!(anna.balance().await, 99);
    submit(&anna).await.problem(409, "report_exists");
}

#[tokio::test(flavor = "multi_thread")]
async fn a24_ten_at_once_are_one_report() {
    let world = local!();
    let anna = paid(&world, 42).await;
    let answers = at_once(10, |_| submit(&anna)).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:?}");
    for lost in answers.iter().filter(|answer| answer.status != 200) {
        assert!([409, 503].contains(&lost.status), "{lost}");
    }
    assert_eq!(anna.balance().await, 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a24_weeks_and_deadlines_are_moscows() {
    let world = local!("CLOCK" => "2026-03-15T20:59:59Z");
    let anna = paid(&world, 42).await;
    let deadline = async || {
        let body = anna.get("/api/reports/deadline").await.ok();
        let whole = ["deadline", "weekNumber", "year", "hoursRemaining", "isDeadlinePassed"];
        whole.map(|field| body[field].clone())
    };
    let last = [json!("2026-03-15T20:59:59.999Z"), json!(11), json!(2026), json!(0), json!(false)];
    assert_eq!(deadline().await, last);
    submit(&anna).await.ok();
    world.advance(1).await;
    let next =
        [json!("2026-03-22T20:59:59.999Z"), json!(12), json!(2026), json!(167), json!(false)];
    assert_eq!(deadline().await, next);
    assert_eq!(submit(&anna).await.ok()["report"]["weekNumber"], 12);
    let list = anna.get(MY).await.ok();
    let weeks: Vec<_> =
        list["reports"].as_array().unwrap().iter().map(|one| &one["weekNumber"]).collect();
    assert_eq!(weeks, [12, 11]);
    assert_eq!(
        anna.get(&format!("{MY}?limit=1")).await.ok()["reports"].as_array().unwrap().len(),
        1
    );
    let week = anna.get("/api/reports/week?weekNumber=11&year=2026").await.ok();
    assert_eq!(week["report"]["weekNumber"], 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn p18_a_streak_of_reports_goes_on_over_new_year() {
    let world = local!("CLOCK" => "2026-12-16T12:00:00Z");
    let mut anna = paid(&world, 42).await;
    for week in 1..=4 {
        let report = submit(&anna).await.ok()["report"].clone();
        if week == 3 {
            assert_eq!((&report["weekNumber"], &report["year"]), (&json!(53), &json!(2026)));
        }
        let body = anna.get(STATS).await.ok();
        assert_eq!(body["stats"]["currentStreak"], week, "{body}");
        assert_eq!(body["totalReports"], week, "beside stats: {body}");
        assert_eq!(body["stats"]["submittedThisWeek"], true);
        world.advance(WEEK).await;
        anna = anna.user.sign_in().await;
    }
    let stats = anna.get("/api/reports/stats").await.ok()["stats"].clone();
    assert_eq!((&stats["currentStreak"], &stats["longestStreak"]), (&json!(4), &json!(4)));
    assert_eq!(
        (&stats["submittedThisWeek"], &stats["averageWordCount"]),
        (&json!(false), &json!(6))
    );
    world.advance(WEEK).await;
    let anna = anna.user.sign_in().await;
    let stats = anna.get(STATS).await.ok()["stats"].clone();
    assert_eq!((&stats["currentStreak"], &stats["longestStreak"]), (&json!(0), &json!(4)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a24_administrators_see_all_reports_of_a_week() {
    let world = local!();
    let (anna, boris) = (paid(&world, 42).await, paid(&world, 43).await);
    submit(&anna).await.ok();
    world.advance(60).await;
    submit(&boris).await.ok();
    world.idle().await;
    let admin = |path: &str| world.get(path).header("x-admin-secret", world.secret("ADMIN_SECRET"));
    let list = admin("/api/reports/week/4?year=2026").await.ok();
    let whose: Vec<_> =
        list["reports"].as_array().unwrap().iter().map(|one| one["userId"].clone()).collect();
    assert_eq!(whose, [json!(boris.uuid), json!(anna.uuid)]);
    let sums = admin("/api/reports/stats/global").await.ok();
    assert_eq!((&sums["stats"]["totalReports"], &sums["totalReports"]), (&json!(2), &json!(2)));
    for path in ["/api/reports/week/4", "/api/reports/stats/global"] {
        anna.get(path).await.problem(403, "admin_required");
    }
    admin("/api/reports/week/54").await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn p28_ids_and_texts_that_are_none_are_refused() {
    let world = local!();
    let anna = paid(&world, 42).await;
    let long = "x".repeat(2_000);
    for id in ["x", "1", "%D1%8F", "%FF", "01KG9JV9M0SAMP0EREP0RT0000", &long] {
        let path = format!("/api/reports/{id}");
        anna.get(&path).await.problem(404, "not_found");
        anna.call("DELETE", &path).await.problem(404, "not_found");
    }
    for bad in [json!(null), json!(""), json!("  "), json!(7), json!("я".repeat(5_001))] {
        let answer = anna.post(SUBMIT, &json!({"content": bad})).await;
        answer.problem(400, "validation_failed");
    }
    for bad in ["", "?weekNumber=0", "?weekNumber=54", "?weekNumber=4&year=x"] {
        let answer = anna.get(&format!("/api/reports/week{bad}")).await;
        answer.problem(400, "validation_failed");
    }
}

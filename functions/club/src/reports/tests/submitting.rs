//! One report a week.

use super::*;

#[tokio::test]
async fn a_report_earns_a_hundred_once_a_week() {
    let club = Club::open().await;
    let reply = club.submits(ANNA, "  Одно, два\nтри.  ").await;
    let report = json!({
        "id": reply.body["report"]["id"], "userId": club.world.member_now(ANNA).await.id,
        "weekNumber": 5, "year": 2026, "content": "Одно, два\nтри.",
        "deadline": "2026-02-01T20:59:59.999Z", "energiesEarned": 100,
        "submittedAt": "2026-01-31T12:00:00.000Z", "metadata": { "wordCount": 3 },
    });
    assert_eq!((&reply.body["report"], &reply.body["energiesEarned"]), (&report, &json!(100)));
    assert_eq!((reply.cost.requests, reply.cost.items), (2, 4));
    let again = club.submits(ANNA, "Ещё раз").await;
    assert_eq!(code(&again), (409, "report_exists".to_owned()));
    assert_eq!(again.body["error"], "Report already submitted for this week");
    assert_eq!(club.balance(ANNA).await, 100);
    let entry = &club.world.items("EnergyEntry").await[0];
    assert_eq!(entry["reason"]["S"], "Сдача отчета недели");
    club.check_invariants().await;
}

#[tokio::test]
async fn the_next_week_begins_at_nine_on_sunday_evening() {
    let club = Club::open().await;
    club.report(ANNA).await;
    club.pass(33 * HOUR - 1);
    assert_eq!(club.submits(ANNA, "x").await.body["code"], "report_exists");
    club.pass(1);
    let next = club.submits(ANNA, "x").await;
    assert_eq!(next.body["report"]["weekNumber"], 6, "{}", next.body);
    assert_eq!(club.balance(ANNA).await, 200);
    club.check_invariants().await;
}

#[tokio::test]
async fn a_leader_earns_twice_and_the_report_says_so() {
    let club = Club::open().await;
    let anna = Member { is_team_leader: true, ..club.world.member_now(ANNA).await };
    club.world.put(&anna).await;
    let reply = club.submits(ANNA, "x").await;
    assert_eq!(reply.body["report"]["energiesEarned"], 200);
    let id = reply.body["report"]["id"].as_str().unwrap().to_owned();
    // What was earned is given back, whoever leads by then.
    let anna = Member { is_team_leader: false, ..club.world.member_now(ANNA).await };
    club.world.put(&anna).await;
    assert_eq!(club.deletes(ANNA, &id).await.body["energiesReturned"], 200);
    assert_eq!(club.balance(ANNA).await, 0);
    club.check_invariants().await;
}

#[tokio::test]
async fn reports_are_for_paid_members() {
    let club = Club::open().await;
    let now = club.world.now();
    let anna = club.world.member_now(ANNA).await;
    club.world.put(&Member { subscription_expires: Some(now), ..anna }).await;
    let reply = club.submits(ANNA, "x").await;
    assert_eq!(code(&reply), (403, "subscription_required".to_owned()));
    assert_eq!(club.world.items("WeeklyReport").await.len(), 0);
}

#[tokio::test]
async fn what_is_no_report_is_refused() {
    let club = Club::open().await;
    let token = club.token(ANNA).await;
    for bad in [json!(null), json!(""), json!(" \n\t"), json!(7), json!(["x"])] {
        let request = Request::post("/api/reports/submit", json!({ "content": bad }));
        let reply = club.world.call(submit(), request.token(&token)).await;
        assert_eq!(code(&reply), (400, "validation_failed".to_owned()), "{bad}");
    }
    assert_eq!(code(&club.submits(ANNA, &"я".repeat(5_001)).await).0, 400);
    assert_eq!(club.submits(ANNA, &format!(" {} ", "😀".repeat(5_000))).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_at_once_are_one_report() {
    let club = Club::open().await;
    let request = club.submission(ANNA, "x").await;
    let instance = club.world.start(submit()).await;
    let replies = club.world.send_all(&instance, (0..20).map(|_| request.clone())).await;
    let made = replies.iter().filter(|reply| reply.status == 200).count();
    for reply in replies.iter().filter(|reply| reply.status != 200) {
        assert!([409, 503].contains(&reply.status.as_u16()), "{}", reply.body);
    }
    assert_eq!((made, club.balance(ANNA).await), (1, 100));
    assert_eq!(club.world.items("WeeklyReport").await.len(), 1);
    club.check_invariants().await;
}

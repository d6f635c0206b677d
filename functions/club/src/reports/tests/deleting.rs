//! Taking a report back.

use super::*;

#[tokio::test]
async fn a_report_is_given_back_with_exactly_what_it_earned_and_frees_its_week() {
    let club = Club::open().await;
    let id = club.report(ANNA).await;
    let reply = club.deletes(ANNA, &id).await;
    assert_eq!(reply.body, json!({ "success": true, "energiesReturned": 100 }));
    assert_eq!((reply.cost.requests, reply.cost.items), (2, 4));
    assert_eq!(club.balance(ANNA).await, 0);
    club.check_invariants().await;
    // Once more the same, whose answer may have been lost.
    let again = club.deletes(ANNA, &id).await;
    assert_eq!((&again.body, again.cost.items), (&reply.body, 0));
    let gone = club.get(one(), &format!("/api/reports/{id}")).await;
    assert_eq!(code(&gone), (404, "not_found".to_owned()));
    // The week is free, and its report earns anew.
    let next = club.report(ANNA).await;
    assert_ne!(next, id);
    assert_eq!(club.balance(ANNA).await, 100);
    club.check_invariants().await;
    // The first id gives nothing back any more, whatever stands in its week now.
    assert_eq!(club.deletes(ANNA, &id).await.status, 200);
    assert_eq!(club.balance(ANNA).await, 100);
    assert_eq!(club.deletes(ANNA, &next).await.status, 200);
    assert_eq!(club.balance(ANNA).await, 0);
    club.check_invariants().await;
}

#[tokio::test]
async fn the_window_is_a_day_long() {
    let club = Club::open().await;
    let (first, second) = (club.report(ANNA).await, club.report(BORIS).await);
    club.pass(DAY);
    assert_eq!(club.deletes(ANNA, &first).await.status, 200);
    club.pass(1);
    let late = club.deletes(BORIS, &second).await;
    assert_eq!(code(&late), (409, "delete_window_over".to_owned()));
    assert_eq!(club.balance(BORIS).await, 100);
    club.check_invariants().await;
}

#[tokio::test]
async fn a_report_of_last_week_can_still_be_taken_back() {
    let club = Club::open().await;
    club.pass(32 * HOUR);
    let id = club.report(ANNA).await;
    club.pass(2 * HOUR);
    club.report(ANNA).await;
    assert_eq!(club.deletes(ANNA, &id).await.status, 200);
    let left = club.get(list("club-reports-my", "/api/reports/my"), "/api/reports/my").await;
    assert_eq!(left.body["reports"].as_array().unwrap().len(), 1);
    assert_eq!(left.body["reports"][0]["weekNumber"], 6);
    club.check_invariants().await;
}

#[tokio::test]
async fn what_was_spent_cannot_be_given_back() {
    let club = Club::open().await;
    let id = club.report(ANNA).await;
    club.spends(1).await;
    let refused = club.deletes(ANNA, &id).await;
    assert_eq!(code(&refused), (409, "insufficient_energies".to_owned()));
    assert_eq!(club.balance(ANNA).await, 99);
    assert_eq!(club.get(one(), &format!("/api/reports/{id}")).await.status, 200);
    assert_eq!(club.submits(ANNA, "x").await.body["code"], "report_exists");
}

#[tokio::test]
async fn nobody_takes_back_what_is_anothers_or_nobodys() {
    let club = Club::open().await;
    let id = club.report(ANNA).await;
    assert_eq!(code(&club.deletes(BORIS, &id).await), (403, "not_owner".to_owned()));
    let long = "x".repeat(3_000);
    for unknown in ["01KG9JV9M0SAMP0EREP0RT0000", "x", "%D1%8F", &long] {
        let reply = club.deletes(ANNA, unknown).await;
        assert_eq!(code(&reply), (404, "not_found".to_owned()), "{unknown}");
    }
    assert_eq!(club.balance(ANNA).await, 100);
    club.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_at_once_give_back_once() {
    let club = Club::open().await;
    let id = club.report(ANNA).await;
    // Enough that a second time would be covered.
    let more = energies::Award::payment("x");
    energies::award(club.world.table(), ANNA, &more, club.world.now()).await.unwrap();
    let request = club.deletion(ANNA, &id).await;
    let instance = club.world.start(delete()).await;
    let replies = club.world.send_all(&instance, (0..20).map(|_| request.clone())).await;
    for reply in &replies {
        assert!([200, 503].contains(&reply.status.as_u16()), "{}", reply.body);
    }
    assert_eq!(club.deletes(ANNA, &id).await.body["energiesReturned"], 100);
    assert_eq!(club.balance(ANNA).await, 500);
}

//! Who may say what, without a table.

use proptest::prelude::*;
use shared::clock::Instant;
use shared::problem::Problem;

use super::super::items::{Complaint, Review};
use super::super::model::{
    Reason, Refused, Said, author_name, can_complain, can_review, comes_first, said,
};
use super::{CLIENT, EXECUTORS, order};
use crate::orders::{FirstReview, Order, Status};

fn now() -> Instant {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn review(executor_id: i64, id: i64, at: Instant) -> Review {
    Review {
        id,
        order_id: "abcdefghijkl".to_owned(),
        client_id: CLIENT,
        executor_id,
        author_name: "Анна".to_owned(),
        rating: 5,
        comment: None,
        category: "Другое".to_owned(),
        city: "Москва".to_owned(),
        created_at: at,
    }
}

fn complaint() -> Complaint {
    Complaint {
        id: 1,
        order_id: "abcdefghijkl".to_owned(),
        executor_id: EXECUTORS[0],
        client_id: CLIENT,
        reason: Reason::Silent,
        comment: None,
        created_at: now(),
    }
}

#[test]
fn refusals_come_in_their_order() {
    let at = |status, executors: &[i64]| order("abcdefghijkl", status, executors, now());
    let completed = at(Status::Completed, &EXECUTORS);
    let judge = |order: Option<&Order>, caller, named| {
        can_review(order, caller, named, now()).map(|found| found.1)
    };
    assert_eq!(judge(None, CLIENT, None), Err(Refused::NotClient));
    assert_eq!(judge(Some(&completed), EXECUTORS[0], None), Err(Refused::NotClient));
    for status in [Status::Deleted, Status::ClosedNoResponse] {
        let ended = at(status, &[]);
        assert_eq!(judge(Some(&ended), CLIENT, Some(1)), Err(Refused::NotAllowed));
    }
    assert_eq!(judge(Some(&at(Status::Expired, &[])), CLIENT, Some(1)), Err(Refused::NoExecutor));
    assert_eq!(judge(Some(&completed), CLIENT, Some(0)), Err(Refused::NotItsExecutor));
    assert_eq!(judge(Some(&completed), CLIENT, None), Ok(EXECUTORS[0]));
    assert_eq!(judge(Some(&completed), CLIENT, Some(EXECUTORS[2])), Ok(EXECUTORS[2]));
}

#[test]
fn what_holds_decides_and_not_what_is_written() {
    let active = order("abcdefghijkl", Status::Active, &EXECUTORS, now());
    let end = active.ends_at();
    let before = end - jiff::SignedDuration::from_micros(1);
    assert_eq!(
        can_review(Some(&active), CLIENT, None, before).map(|_| ()),
        Err(Refused::NotAllowed)
    );
    assert!(can_review(Some(&active), CLIENT, None, end).is_ok());
}

#[test]
fn whoever_took_the_order_may_complain_in_every_status() {
    for status in [Status::Active, Status::Expired, Status::ClosedNoResponse, Status::Completed] {
        let order = order("abcdefghijkl", status, &EXECUTORS[..1], now());
        assert!(can_complain(Some(&order), EXECUTORS[0]).is_ok());
        assert_eq!(can_complain(Some(&order), EXECUTORS[1]).map(|_| ()), Err(Refused::NotTaker));
        assert_eq!(can_complain(Some(&order), CLIENT).map(|_| ()), Err(Refused::NotTaker));
    }
    assert_eq!(can_complain(None, EXECUTORS[0]).map(|_| ()), Err(Refused::NotTaker));
}

#[test]
fn refusals_are_told_in_these_words() {
    for (refused, status, code, detail) in [
        (
            Refused::NotClient,
            404,
            "review_order_not_found",
            "Order not found or you are not the client",
        ),
        (
            Refused::NotAllowed,
            400,
            "review_not_allowed",
            "Can only review completed or expired orders",
        ),
        (Refused::NoExecutor, 400, "no_executor", "No executor has taken this order"),
        (
            Refused::NotItsExecutor,
            400,
            "executor_not_taker",
            "This executor did not take this order",
        ),
        (
            Refused::Reviewed,
            409,
            "already_reviewed",
            "Already reviewed this executor for this order",
        ),
        (Refused::NotTaker, 404, "not_taker", "You did not take this order"),
        (Refused::Complained, 409, "already_complained", "Already complained about this order"),
    ] {
        let problem = Problem::from(refused);
        let told = (problem.status().as_u16(), problem.code(), problem.message());
        assert_eq!(told, (status, code, detail));
    }
    assert_eq!(
        Reason::complaint(),
        "Complaint must be one of: Не отвечал, Отменил заказ, Неадекватное поведение, \
         Ложная информация, Другое"
    );
}

#[test]
fn reviews_count_before_the_complaint() {
    let late = now() + jiff::SignedDuration::from_micros(1);
    let reviews = || vec![review(EXECUTORS[1], 2, late), review(EXECUTORS[0], 9, now())];
    let both = EXECUTORS[..2].to_vec();
    let say = |submitted, kind, executor_ids: &[i64]| Said {
        submitted,
        kind,
        executor_ids: executor_ids.to_vec(),
    };
    assert_eq!(said(reviews(), None, None), say(true, Some("review"), &both));
    assert_eq!(said(reviews(), None, Some(EXECUTORS[1])), say(true, Some("review"), &both));
    assert_eq!(said(reviews(), None, Some(EXECUTORS[2])), say(false, None, &both));
    assert_eq!(said(Vec::new(), None, None), say(false, None, &[]));
    let complaint = complaint();
    let complained = |asked| said(Vec::new(), Some(&complaint), asked);
    assert_eq!(complained(None), say(true, Some("complaint"), &[]));
    assert_eq!(complained(Some(EXECUTORS[0])), say(true, Some("complaint"), &[]));
    assert_eq!(complained(Some(EXECUTORS[1])), say(false, None, &[]));
}

#[test]
fn the_blank_have_a_name() {
    assert_eq!(author_name(" \u{a0}"), "Клиент");
    assert_eq!((author_name(""), author_name(" Анна ")), ("Клиент".into(), "Анна".into()));
}

proptest! {
    #[test]
    fn the_order_shows_the_first_review_however_they_come(
        mut places in proptest::collection::vec((0_i64..4, 1_i64..100), 1..6),
    ) {
        let mut shown: Option<FirstReview> = None;
        for (micros, id) in &places {
            let at = now() + jiff::SignedDuration::from_micros(*micros);
            let review = review(EXECUTORS[0], *id, at);
            if comes_first(&review, shown.as_ref()) {
                shown = Some(FirstReview { rating: 5, comment: None, review_id: *id, at });
            }
        }
        places.sort_unstable();
        prop_assert_eq!(shown.map(|shown| shown.review_id), places.first().map(|first| first.1));
    }
}

//! Where a notice stands, and what becomes of it.

use super::*;

fn at(seconds: i64) -> Instant {
    Instant::from_seconds(1_768_900_000 + seconds)
}

fn notice() -> Notice {
    let told = Told::OrderTaken { category: "Другое".to_owned(), k: 2, respond_by: None };
    Notice::about_order(7, "-a_B", told, at(0))
}

#[test]
fn an_id_says_what_the_notice_is_about() {
    assert_eq!(notice().id, "order_taken:7:-a_B:2");
    assert_eq!(Notice::offer(7, "x", at(0)).id, "new_order:7:x");
    let late = Told::PaymentLate { kopecks: 100 };
    assert_eq!(Notice::about_payment(7, 42, late, at(0)).id, "payment_late:7:42");
    assert_eq!(named("order_taken:4294967297:-a_B:2"), Some((4_294_967_297, "-a_B")));
    for odd in ["", "x", "x:7", "x:y:z"] {
        assert_eq!(named(odd), None, "{odd}");
    }
}

#[test]
fn failures_come_again_after_growing_pauses() {
    let mut notice = notice();
    for pause in PAUSES_S {
        let again = Next::Again(at(pause));
        assert_eq!(notice.after(Outcome::Failed, at(0)), again);
        notice.failures += 1;
    }
    assert_eq!(notice.after(Outcome::Failed, at(0)), Next::Over(State::Dead));
    let told = Outcome::Wait(SignedDuration::from_secs(7));
    assert_eq!(notice.after(told, at(0)), Next::Again(at(7)));
}

#[test]
fn a_time_out_is_tried_once_more() {
    let mut notice = notice();
    assert_eq!(notice.after(Outcome::Unknown, at(0)), Next::Again(at(0)));
    notice.timeouts = 1;
    assert_eq!(notice.after(Outcome::Unknown, at(0)), Next::Over(State::Dead));
}

#[test]
fn a_claim_holds_until_it_ends() {
    let mut notice = notice();
    assert_eq!(notice.stands(at(0)), Stands::Due);
    assert_eq!(notice.stands(at(-1)), Stands::NotYet(at(0)));
    notice.owner = Some("me".to_owned());
    notice.claimed_until = Some(at(60));
    assert_eq!(notice.stands(at(59)), Stands::NotYet(at(60)));
    assert_eq!(notice.stands(at(60)), Stands::Abandoned);
    for (crashes, minutes) in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 15), (6, 15), (99, 15)] {
        notice.crashes = crashes;
        let again = at(60 + minutes * 60);
        assert_eq!(notice.stands(at(60)), Stands::NotYet(again), "{crashes}");
        assert_eq!(notice.stands(again), Stands::Abandoned, "{crashes}");
    }
    assert!(notice.is_spent());
    notice.crashes = CRASHES_MAX - 1;
    assert!(!notice.is_spent());
    notice.state = State::Dead;
    assert_eq!(notice.stands(at(60)), Stands::Dead);
    notice.state = State::Skipped;
    assert_eq!((notice.stands(at(60)), notice.index().len()), (Stands::Over, 0));
}

//! The rules by themselves, against a naive telling of the contract.

use jiff::SignedDuration;
use proptest::prelude::*;
use shared::clock::Instant;
use shared::problem::Problem;

use super::super::items::{FirstReview, Order, Status};
use super::super::model::{self, Deleting, Hinted, Refused, Rules, Taking};
use super::super::respond::responded;
use super::super::settle::{End, ended};
use super::super::take::taken;
use super::super::{full_view, view};

const CLIENT: i64 = 1;
const RULES: Rules =
    Rules { response_time: SignedDuration::from_mins(15), max_takes: 3, price: 200 };

fn at(text: &str) -> Instant {
    format!("2026-11-22T{text}Z").parse().unwrap()
}

fn start() -> Instant {
    at("12:00:00")
}

fn after(micros: i64) -> Instant {
    start() + SignedDuration::from_micros(micros)
}

/// An order of noon, untaken.
fn order() -> Order {
    let order = Order {
        id: "abcDEF012-_x".to_owned(),
        client_id: CLIENT,
        category: "Другое".to_owned(),
        description: "Течёт кран на кухне".to_owned(),
        city: "Москва".to_owned(),
        city_key: "москва".to_owned(),
        contact: "@ivan_123".to_owned(),
        contact_kind: "telegram".to_owned(),
        contact_key: "key".to_owned(),
        created_at: start(),
        expires_in_minutes: 60,
        status: Status::Active,
        taken_by: Vec::new(),
        response_deadline: None,
        customer_responded_at: None,
        end_at: start(),
        review: None,
        version: 1,
    };
    Order { end_at: order.ends_at(), ..order }
}

fn taken_at(order: &Order, executor_id: i64, taken_at: Instant) -> Order {
    taken(order, crate::testing::take(executor_id, taken_at), &RULES)
}

#[test]
fn a_first_take_sets_the_end() {
    for (take, end, status) in [
        ("12:00:00", "12:15:00", Status::ClosedNoResponse),
        ("12:44:59.999", "12:59:59.999", Status::ClosedNoResponse),
        ("12:44:59.999999", "12:59:59.999999", Status::ClosedNoResponse),
        ("12:45:00", "13:00:00", Status::Expired),
        ("12:59:59", "13:00:00", Status::Expired),
    ] {
        let order = taken_at(&order(), 2, at(take));
        let end = at(end);
        assert_eq!((order.ends_at(), order.end_at), (end, end), "{take}");
        assert_eq!(order.effective(end), status);
        let before = end - SignedDuration::from_micros(1);
        assert_eq!(order.effective(before), Status::Active);
        assert!(order.is_due(end) && !order.is_due(before) && order.is_unanswered());
        let second = taken_at(&order, 3, at(take) + SignedDuration::from_secs(1));
        assert_eq!(second.ends_at(), end, "only the first take counts");
        let answered = responded(&second, before);
        assert_eq!(
            (answered.end_at, answered.effective(end)),
            (
                at("13:00:00"),
                match end {
                    end if end < at("13:00:00") => Status::Active,
                    _ => Status::Expired,
                }
            )
        );
        assert!(!answered.is_unanswered());
    }
}

#[test]
fn what_has_ended_stays_as_it_was_written() {
    let order = taken_at(&order(), 2, start());
    let completed = ended(&order, End::Completed);
    assert_eq!((completed.version, completed.status), (3, Status::Completed));
    assert_eq!(completed.effective(at("23:00:00")), Status::Completed);
    assert_eq!(model::hinted(&completed, at("23:00:00")), Hinted::Drop);
}

#[test]
fn a_hint_that_comes_early_is_sent_again_with_the_rest() {
    let order = taken_at(&order(), 2, start());
    let early = at("12:14:58.5");
    assert_eq!(model::hinted(&order, early), Hinted::Later(SignedDuration::from_millis(1500)));
    assert_eq!(model::hinted(&order, at("12:15:00")), Hinted::Settle);
    assert_eq!(model::hinted(&responded(&order, early), at("12:15:00")), Hinted::Drop);
    assert_eq!(model::hinted(&responded(&order, early), at("13:00:00")), Hinted::Settle);
    let closed = ended(&order, End::ByClock(Status::ClosedNoResponse));
    assert_eq!(model::hinted(&closed, at("12:15:00")), Hinted::Drop);
    let late = taken_at(&self::order(), 2, at("12:50:00"));
    assert_eq!(model::hinted(&late, at("12:55:00")), Hinted::Later(SignedDuration::from_mins(5)));
}

#[test]
fn every_refusal_has_its_status_code_and_sentence() {
    for (refused, status, code, detail) in [
        (Refused::NotFound, 404, "order_not_found", "Order not found"),
        (Refused::ContactBusy, 409, "contact_busy", "This contact already has an active order"),
        (Refused::ActiveLimit, 409, "active_order_limit", "Too many active orders"),
        (
            Refused::Taken("edit"),
            403,
            "order_taken",
            "Cannot edit order after executor has taken it",
        ),
        (Refused::Expired, 410, "order_expired", "Order has expired"),
        (Refused::NotActive, 410, "order_not_active", "Order is no longer active"),
        (Refused::Own, 403, "own_order", "Cannot take your own order"),
        (Refused::Full(3), 409, "executor_limit", "Maximum 3 executors reached"),
        (Refused::Insufficient(200), 402, "insufficient_balance", "Insufficient balance. Need 2₽"),
        (
            Refused::Insufficient(250),
            402,
            "insufficient_balance",
            "Insufficient balance. Need 2.50₽",
        ),
        (
            Refused::NotClient("respond"),
            403,
            "not_order_client",
            "Only the order client can respond",
        ),
        (Refused::NoTakes, 409, "no_takes", "No executor has taken this order yet"),
        (Refused::AlreadyResponded, 409, "already_responded", "Already responded"),
    ] {
        let problem = Problem::from(refused);
        let told = (problem.status().as_u16(), problem.code(), problem.message());
        assert_eq!(told, (status, code, detail));
    }
    let (order, now) = (order(), start());
    for (judged, verb) in [
        (model::can_complete(Some(&order), 2, now), "complete it"),
        (model::can_close(Some(&order), 2, now), "close it"),
        (model::can_respond(Some(&order), 2, now), "respond"),
    ] {
        assert_eq!(judged, Err(Refused::NotClient(verb)));
    }
    assert_eq!(
        model::can_delete(Some(&taken_at(&order, 2, now)), CLIENT, now),
        Err(Refused::Taken("delete"))
    );
}

#[test]
fn a_contact_and_ids_are_shown_to_whom_they_are_due() {
    let order = taken_at(&taken_at(&order(), 2, start()), 3, at("12:01:00"));
    let ids = |viewer| -> Vec<i64> {
        let shown = full_view(&order, viewer, start());
        shown.taken_by.iter().map(|take| take.executor_id).collect()
    };
    assert_eq!(
        (ids(Some(CLIENT)), ids(Some(2)), ids(Some(4)), ids(None)),
        (vec![2, 3], vec![2, 0], vec![0, 0], vec![0, 0])
    );
    for (viewer, due) in [(Some(CLIENT), true), (Some(2), true), (Some(4), false), (None, false)] {
        let contact = due.then(|| "@ivan_123".to_owned());
        let kind = due.then(|| "telegram".to_owned());
        for now in [start(), at("15:00:00")] {
            let shown = full_view(&order, viewer, now);
            assert_eq!((shown.contact, shown.contact_kind), (contact.clone(), kind.clone()));
        }
        let listed = view(&order, viewer, start());
        assert_eq!((listed.contact, listed.contact_kind), (None, None));
    }
}

#[test]
fn an_order_is_shown_as_the_wire_has_it() {
    let review = FirstReview { rating: 4, comment: None, review_id: 7, at: at("12:03:00") };
    let order = Order { review: Some(review), ..taken_at(&order(), 2, at("12:01:02.345678")) };
    let shown = serde_json::to_value(full_view(&order, Some(2), start())).unwrap();
    assert_eq!(
        shown,
        serde_json::json!({
            "id": "abcDEF012-_x", "category": "Другое", "description": "Течёт кран на кухне",
            "city": "Москва", "contact": "@ivan_123", "contact_kind": "telegram",
            "created_at": "2026-11-22T12:00:00.000000Z", "expires_in_minutes": 60,
            "expires_at": "2026-11-22T13:00:00.000000Z",
            "response_deadline_at": "2026-11-22T12:16:02.345678Z", "status": "active",
            "taken_by": [{ "executor_id": 2, "taken_at": "2026-11-22T12:01:02.345678Z" }],
            "customer_responded_at": null, "city_locked": true,
            "rating": 4, "review_comment": null,
        })
    );
    let over = view(&order, None, at("12:17:00"));
    assert_eq!((over.status, over.response_deadline_at), (Status::ClosedNoResponse, None));
    let answered = view(&responded(&order, at("12:02:00")), None, at("12:05:00"));
    assert_eq!(
        (answered.response_deadline_at, answered.customer_responded_at),
        (None, Some(at("12:02:00")))
    );
    let late = view(&taken_at(&self::order(), 2, at("12:50:00")), None, at("12:51:00"));
    assert_eq!(late.response_deadline_at, Some(at("13:05:00")));
}

#[test]
fn ids_are_twelve_characters_of_base64url() {
    for id in ["abcDEF012-_x", "------------", "____________"] {
        assert!(Order::is_id(id));
    }
    for id in ["", "abcDEF012-_", "abcDEF012-_xy", "abcDEF012-_+", "abcDEF012-ж", "abc DEF012-_"] {
        assert!(!Order::is_id(id), "{id}");
    }
}

/// The contract, word for word.
mod naive {
    use super::*;

    pub(super) fn effective(order: &Order, now: Instant) -> Status {
        if order.status != Status::Active {
            return order.status;
        }
        let expires = order.created_at + SignedDuration::from_mins(60);
        let mut end = expires;
        let mut closes = false;
        if let (Some(first), None) = (order.taken_by.first(), order.customer_responded_at) {
            let response = first.taken_at + SignedDuration::from_mins(15);
            if response < expires {
                (end, closes) = (response, true);
            }
        }
        match (now >= end, closes) {
            (false, _) => Status::Active,
            (true, true) => Status::ClosedNoResponse,
            (true, false) => Status::Expired,
        }
    }

    /// The first of these that holds.
    pub(super) fn first(checks: &[(bool, Refused)]) -> Option<Refused> {
        checks.iter().find(|(holds, _)| *holds).map(|(_, refused)| *refused)
    }
}

const STATUSES: [Status; 5] =
    [Status::Active, Status::Expired, Status::Deleted, Status::ClosedNoResponse, Status::Completed];

const MINUTE: i64 = 60_000_000;

/// Orders in every state, with instants that like to meet.
fn orders() -> impl Strategy<Value = Order> {
    let instant = || prop_oneof![0..60 * MINUTE, (0_i64..61).prop_map(|minutes| minutes * MINUTE)];
    let takes = proptest::collection::vec(instant(), 0..=3);
    (takes, proptest::option::of(instant()), 0_usize..12).prop_map(|(takes, answer, status)| {
        let mut order = order();
        for (executor, micros) in (2..).zip(takes) {
            order = taken_at(&order, executor, after(micros));
        }
        if let Some(answer) = answer.filter(|_| !order.taken_by.is_empty()) {
            order = responded(&order, after(answer));
        }
        let status = STATUSES.get(status).copied().unwrap_or(Status::Active);
        match (status, order.taken_by.is_empty()) {
            (Status::Deleted, false) => order,
            (Status::ClosedNoResponse | Status::Completed, true) => order,
            _ => Order { status, ..order },
        }
    })
}

fn nows() -> impl Strategy<Value = Instant> {
    let meeting = (0_i64..90).prop_map(|minutes| minutes * MINUTE);
    prop_oneof![0..90 * MINUTE, meeting].prop_map(after)
}

proptest! {
    #[test]
    fn the_effective_status_is_the_contracts(order in orders(), now in nows()) {
        prop_assert_eq!(order.effective(now), naive::effective(&order, now));
        prop_assert_eq!(order.is_due(now), order.status == Status::Active && now >= order.end_at);
        prop_assert_eq!(order.end_at, order.ends_at());
        // Nothing but the instants decides: later is the same.
        if order.is_due(now) {
            let later = now + SignedDuration::from_hours(30);
            prop_assert_eq!(order.effective(now), order.effective(later));
        }
    }

    #[test]
    fn takes_are_judged_in_the_contracts_order(
        order in orders(), now in nows(), caller in 1_i64..6, balance in 0_i64..400,
    ) {
        let status = naive::effective(&order, now);
        let has = order.taken_by.iter().any(|take| take.executor_id == caller);
        let refused = naive::first(&[
            (status == Status::Expired, Refused::Expired),
            (status != Status::Active, Refused::NotActive),
            (caller == CLIENT, Refused::Own),
            (order.taken_by.len() >= 3, Refused::Full(3)),
            (balance < 200, Refused::Insufficient(200)),
        ]);
        let expected = match (has, refused) {
            (true, _) => Ok(Taking::Has),
            (false, Some(refused)) => Err(refused),
            (false, None) => Ok(Taking::Buys),
        };
        let judged = model::can_take(Some(&order), caller, balance, &RULES, now);
        prop_assert_eq!(judged.map(|(_, taking)| taking), expected);
        prop_assert_eq!(
            model::can_take(None, caller, balance, &RULES, now).map(|_| ()),
            Err(Refused::NotFound)
        );
    }

    #[test]
    fn clients_acts_are_judged_in_the_contracts_order(
        order in orders(), now in nows(), caller in 1_i64..4,
    ) {
        let status = naive::effective(&order, now);
        let ended = |verb| [
            (caller != CLIENT, Refused::NotClient(verb)),
            (status != Status::Active, Refused::NotActive),
            (order.taken_by.is_empty(), Refused::NoTakes),
        ];
        let close = naive::first(&ended("close it"));
        let complete = naive::first(&ended("complete it"));
        let mut respond = ended("respond").to_vec();
        respond.push((order.customer_responded_at.is_some(), Refused::AlreadyResponded));
        let order = Some(&order);
        prop_assert_eq!(model::can_close(order, caller, now).err(), close);
        prop_assert_eq!(model::can_complete(order, caller, now).err(), complete);
        prop_assert_eq!(model::can_respond(order, caller, now).err(), naive::first(&respond));
        prop_assert_eq!(model::can_close(None, caller, now).err(), Some(Refused::NotFound));
    }

    #[test]
    fn edits_are_judged_in_the_contracts_order(
        order in orders(), now in nows(), caller in 1_i64..3,
    ) {
        let status = naive::effective(&order, now);
        let edit = naive::first(&[
            (caller != CLIENT, Refused::NotFound),
            (!order.taken_by.is_empty(), Refused::Taken("edit")),
            (status == Status::Expired, Refused::Expired),
            (status != Status::Active, Refused::NotActive),
        ]);
        let delete = naive::first(&[
            (caller != CLIENT, Refused::NotFound),
            (!order.taken_by.is_empty(), Refused::Taken("delete")),
        ]);
        prop_assert_eq!(model::can_update(Some(&order), caller, now).err(), edit);
        let judged = model::can_delete(Some(&order), caller, now);
        prop_assert_eq!(judged.map(|(_, deleting)| deleting), match (delete, status) {
            (Some(refused), _) => Err(refused),
            (None, Status::Deleted) => Ok(Deleting::Done),
            (None, _) => Ok(Deleting::Deletes),
        });
    }

    #[test]
    fn hidden_orders_are_hidden(order in orders(), now in nows(), viewer in 0_i64..6) {
        let viewer = (viewer > 0).then_some(viewer);
        let owns = viewer == Some(CLIENT);
        let took = order.taken_by.iter().any(|take| Some(take.executor_id) == viewer);
        let visible = match naive::effective(&order, now) {
            Status::Active | Status::Expired | Status::Completed => true,
            Status::ClosedNoResponse => owns || took,
            Status::Deleted => owns,
        };
        prop_assert_eq!(model::can_get(Some(&order), viewer, now).is_ok(), visible);
        let shown = full_view(&order, viewer, now);
        prop_assert_eq!(shown.contact.is_some(), owns || took);
        prop_assert_eq!(shown.taken_by.len(), order.taken_by.len());
        for (shown, take) in shown.taken_by.iter().zip(&order.taken_by) {
            let knows = owns || Some(take.executor_id) == viewer;
            prop_assert_eq!(shown.executor_id, if knows { take.executor_id } else { 0 });
        }
        prop_assert!(view(&order, viewer, now).contact.is_none());
    }
}

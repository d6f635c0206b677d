//! Whom an event concerns, and what they are told. No I/O.

use shared::clock::Instant;

use super::model::{Event, OrderFacts};
use crate::notify::{Notice, Told};
use crate::orders::Status;

/// The notices to participants that follow from an event.
#[must_use]
pub(super) fn notices(event: &Event, now: Instant) -> Vec<Notice> {
    match event {
        Event::OrderCreated { .. } | Event::OrderMoved { .. } | Event::Reviewed { .. } => {
            Vec::new()
        }
        Event::OrderTaken { order, response_deadline } => {
            let k = order.executors.len();
            let (category, respond_by) = (order.category.clone(), *response_deadline);
            vec![to_client(order, Told::OrderTaken { category, k, respond_by }, now)]
        }
        Event::OrderResponded { order } => {
            to_executors(order, |category| Told::OrderResponded { category }, now)
        }
        Event::OrderEnded { order, to, by_clock, refunded, .. } => {
            let mut notices = ended(order, *to, refunded, now);
            if *to == Status::ClosedNoResponse && *by_clock {
                let category = order.category.clone();
                notices.push(to_client(order, Told::OrderAutoClosed { category }, now));
            }
            notices
        }
        Event::PaymentLate { user_id, payment_id, kopecks } => {
            let told = Told::PaymentLate { kopecks: *kopecks };
            vec![Notice::about_payment(*user_id, *payment_id, told, now)]
        }
    }
}

/// What executors are told of the end of an order.
fn ended(order: &OrderFacts, to: Status, refunded: &[u32], now: Instant) -> Vec<Notice> {
    if !refunded.is_empty() {
        let given_back = order.executors.iter().zip(refunded);
        let told = given_back.map(|(executor, kopecks)| {
            let (category, kopecks) = (order.category.clone(), i64::from(*kopecks));
            let told = Told::OrderRefunded { category, kopecks };
            Notice::about_order(*executor, &order.order_id, told, now)
        });
        return told.collect();
    }
    match to {
        Status::Completed => to_executors(order, |category| Told::OrderCompleted { category }, now),
        Status::ClosedNoResponse => {
            to_executors(order, |category| Told::OrderClosed { category }, now)
        }
        Status::Active | Status::Expired | Status::Deleted => Vec::new(),
    }
}

fn to_client(order: &OrderFacts, told: Told, now: Instant) -> Notice {
    Notice::about_order(order.client_id, &order.order_id, told, now)
}

fn to_executors(order: &OrderFacts, told: impl Fn(String) -> Told, now: Instant) -> Vec<Notice> {
    let notice = |executor: &i64| {
        Notice::about_order(*executor, &order.order_id, told(order.category.clone()), now)
    };
    order.executors.iter().map(notice).collect()
}

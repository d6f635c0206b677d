//! Whom an event concerns, and what they are told. No I/O.

use shared::clock::Instant;

use super::model::{Event, OrderFacts};
use crate::notify::{Message, Notice};
use crate::orders::Status;

/// The notices to participants that follow from an event.
#[must_use]
pub(super) fn notices(event: &Event, now: Instant) -> Vec<Notice> {
    match event {
        Event::OrderCreated { .. } | Event::OrderMoved { .. } => Vec::new(),
        Event::OrderTaken { order, response_deadline } => {
            let k = order.executors.len();
            let (category, respond_by) = (order.category.clone(), *response_deadline);
            let message = Message::OrderTaken { category, k, respond_by };
            vec![Notice::about_order(order.client_id, &order.order_id, message, now)]
        }
        Event::OrderResponded { order } => to_executors(order, now, |category| {
            Message::OrderResponded { category }
        }),
        Event::OrderEnded { order, to, by_clock, refunded, .. } => {
            let kopecks = i64::from(*refunded);
            let mut notices = match (to, kopecks) {
                (Status::Completed, _) => {
                    to_executors(order, now, |category| Message::OrderCompleted { category })
                }
                (_, 1..) => to_executors(order, now, |category| Message::OrderRefunded {
                    category,
                    kopecks,
                }),
                (Status::ClosedNoResponse, _) => {
                    to_executors(order, now, |category| Message::OrderClosed { category })
                }
                _ => Vec::new(),
            };
            if *to == Status::ClosedNoResponse && *by_clock {
                let message = Message::OrderAutoClosed { category: order.category.clone() };
                notices.push(Notice::about_order(order.client_id, &order.order_id, message, now));
            }
            notices
        }
        Event::PaymentLate { user_id, payment_id, kopecks } => {
            let message = Message::PaymentLate { kopecks: *kopecks };
            vec![Notice::new(*user_id, &payment_id.to_string(), message, now)]
        }
    }
}

fn to_executors(
    order: &OrderFacts,
    now: Instant,
    message: impl Fn(String) -> Message,
) -> Vec<Notice> {
    let notice = |executor: &i64| {
        Notice::about_order(*executor, &order.order_id, message(order.category.clone()), now)
    };
    order.executors.iter().map(notice).collect()
}

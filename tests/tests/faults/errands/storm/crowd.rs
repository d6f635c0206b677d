//! People of the town.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::Value;

use super::super::properties::town::{Answer, Person};
use super::acts::{Act, Mind, Step};
use super::{Storm, witness};
use crate::storm::crowd::Life;
use crate::storm::dice::Dice;

/// Somebody who lives in the town.
pub struct Somebody {
    pub storm: Arc<Storm>,
    pub person: Person,
}

impl Life for Somebody {
    type Step = Step;

    fn is_over(&self) -> bool {
        self.storm.is_over()
    }

    fn next(&self, dice: &mut Dice) -> Option<Step> {
        let fresh = self.storm.fresh();
        let mut mind = Mind { me: &self.person, dice, fresh };
        mind.step(&mut self.storm.board())
    }

    /// The same request with launch data of now.
    fn again(&self, mut step: Step) -> Step {
        for (name, value) in self.person.ask("GET", "").headers {
            let old = step.ask.headers.iter_mut().find(|(old, _)| *old == name);
            if let (Some(header), "authorization") = (old, name) {
                header.1 = value;
            }
        }
        step
    }

    async fn send(&self, step: &Step) -> Option<Answer> {
        let (storm, me) = (&self.storm, self.person.id);
        let answer = storm.place.try_send(&step.ask).await;
        storm.operations.fetch_add(1, Ordering::Relaxed);
        let said = match &answer {
            Ok(answer) => format!("{} {}", answer.status, answer.code()),
            Err(error) => format!("no answer: {error}"),
        };
        let body = step.ask.body.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        let key = step.key.as_deref().unwrap_or("-");
        storm.note(format!("{me} {} {} [{key}] {body} -> {said}", step.ask.method, step.ask.path));
        if let (Act::Take, Some(order)) = (step.act, &step.order) {
            let status = answer.as_ref().map_or(503, |answer| answer.status);
            let lost = storm.board().took(me, order, status);
            if lost {
                storm.finding(format!("{me} has bought {order} and was refused it: {said}"));
            }
        }
        let answer = answer.ok()?;
        witness::sees(storm, me, step, &answer);
        learn(storm, me, step, &answer);
        Some(answer)
    }

    fn doubled(&self, step: &Step) -> Option<usize> {
        step.key.as_ref().map(|_| 15)
    }

    fn told(&self, step: &Step, body: Value) -> Value {
        match step.act {
            // Whoever has bought before is told the figures of the moment, key or no key.
            Act::Take => body["contact"].clone(),
            Act::Invoice => body["pay_url"].clone(),
            _ => body,
        }
    }

    fn differs(&self, step: &Step, first: &Answer, second: &Answer) {
        let key = step.key.as_deref().unwrap_or_default();
        self.storm.finding(format!(
            "{} {} of {} under {key} was answered {} {} and then {} {}",
            step.ask.method,
            step.ask.path,
            self.person.id,
            first.status,
            first.text,
            second.status,
            second.text
        ));
    }
}

/// What an answer tells those who read it.
fn learn(storm: &Storm, me: i64, step: &Step, answer: &Answer) {
    if answer.status >= 300 {
        return;
    }
    let body = answer.json();
    let mut board = storm.board();
    match step.act {
        Act::Post => {
            if let Some(id) = body["id"].as_str() {
                board.posted(id, me);
                storm.note_in(&mut board, format!("{me} has posted {id}"));
            }
        }
        // Whose answer was lost is found by others.
        Act::List => {
            let orders = body["orders"].as_array().into_iter().flatten();
            for id in orders.filter_map(|order| order["id"].as_str()) {
                board.posted(id, 0);
            }
        }
        Act::Invoice => {
            if let Some(id) = body["payment_id"].as_i64() {
                let paying = super::board::Paying {
                    id,
                    owner: me,
                    provider: step.provider,
                    rubles: step.rubles,
                    word: None,
                };
                board.payments.push(paying);
                storm.note_in(&mut board, format!("{me} may pay {id} by {}", step.provider));
            }
        }
        _ => {}
    }
}

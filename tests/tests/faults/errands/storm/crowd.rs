//! People who do what comes to their minds, as real clients do it: what was not answered is asked
//! again under the same key, at once or when there is nothing better to do.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::Value;

use super::super::properties::town::{Answer, Person};
use super::Storm;
use super::acts::{Act, Mind, Step};
use super::dice::Dice;
use super::witness;

/// How often something is sent again before its sender gives up for now.
const TRIES: usize = 4;
/// Requests that somebody means to send again later.
const LATER: usize = 8;

/// One person's life, until the storm is over.
pub async fn live(storm: Arc<Storm>, me: Person, number: u64) {
    let mut dice = Dice::new(storm.seed, number);
    let mut later: VecDeque<Step> = VecDeque::new();
    while !storm.over.load(Ordering::Relaxed) {
        let step = match later.pop_front() {
            Some(step) if dice.chance(40) => again(&me, step),
            kept => {
                later.extend(kept);
                let fresh = storm.fresh();
                let mut mind = Mind { me: &me, dice: &mut dice, fresh };
                let Some(step) = mind.step(&mut storm.board()) else { continue };
                step
            }
        };
        if let Some(unanswered) = perform(&storm, &me, &mut dice, step).await
            && later.len() < LATER
        {
            later.push_back(unanswered);
        }
    }
}

/// The same request with launch data of now.
fn again(me: &Person, mut step: Step) -> Step {
    for (name, value) in me.ask("GET", "").headers {
        let old = step.ask.headers.iter_mut().find(|(old, _)| *old == name);
        if let (Some(header), "authorization") = (old, name) {
            header.1 = value;
        }
    }
    step
}

/// Sends a request until it is answered or patience is over; gives it back then.
async fn perform(storm: &Storm, me: &Person, dice: &mut Dice, step: Step) -> Option<Step> {
    for _ in 0..TRIES {
        let Some(answer) = send(storm, me, &step).await else { continue };
        if !matches!(answer.status, 429 | 503) {
            if step.key.is_some() && answer.status < 300 && dice.chance(15) {
                replay(storm, me, &step, &answer).await;
            }
            return None;
        }
        // A client that is told to wait does something else meanwhile, or is too hasty to.
        if dice.chance(50) {
            return Some(step);
        }
    }
    Some(step)
}

/// One request; none where there was no answer.
async fn send(storm: &Storm, me: &Person, step: &Step) -> Option<Answer> {
    let answer = storm.town.try_send(&step.ask).await;
    storm.operations.fetch_add(1, Ordering::Relaxed);
    let said = match &answer {
        Ok(answer) => format!("{} {}", answer.status, answer.code()),
        Err(error) => format!("no answer: {error}"),
    };
    let body = step.ask.body.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
    let key = step.key.as_deref().unwrap_or("-");
    storm.note(format!("{} {} {} [{key}] {body} -> {said}", me.id, step.ask.method, step.ask.path));
    if let (Act::Take, Some(order)) = (step.act, &step.order) {
        let status = answer.as_ref().map_or(503, |answer| answer.status);
        let lost = storm.board().took(me.id, order, status);
        if lost {
            storm.finding(format!("{} has bought {order} and was refused it: {said}", me.id));
        }
    }
    let answer = answer.ok()?;
    witness::sees(storm, me.id, step, &answer);
    learn(storm, me.id, step, &answer);
    Some(answer)
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

/// The same request under the same key, at once: the same answer, and nothing else.
async fn replay(storm: &Storm, me: &Person, step: &Step, first: &Answer) {
    let Some(second) = send(storm, me, step).await else { return };
    if matches!(second.status, 429 | 503) {
        return;
    }
    let (one, two) = (first.json(), second.json());
    let told = |body: &Value| match step.act {
        // Whoever has bought before is told the figures of the moment, key or no key.
        Act::Take => body["contact"].clone(),
        Act::Invoice => body["pay_url"].clone(),
        _ => body.clone(),
    };
    if first.status != second.status || told(&one) != told(&two) {
        let key = step.key.as_deref().unwrap_or_default();
        storm.finding(format!(
            "{} {} of {} under {key} was answered {} {one} and then {} {two}",
            step.ask.method, step.ask.path, me.id, first.status, second.status
        ));
    }
}

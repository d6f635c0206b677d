//! Members and administrators who do what comes to their minds, as real clients do it: what was not
//! answered is asked again under the same key, at once or when there is nothing better to do.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::Value;

use super::acts::{Act, Mind, Step};
use super::board::Board;
use super::{Storm, witness};
use crate::storm::asks::Answer;
use crate::storm::dice::Dice;

/// How often something is sent again before its sender gives up for now.
const TRIES: usize = 4;
/// Requests that somebody means to send again later.
const LATER: usize = 8;

/// One person's life, until the storm is over.
pub async fn live(storm: Arc<Storm>, me: i64, number: u64) {
    let mut dice = Dice::new(storm.seed, number);
    let mut later: VecDeque<Step> = VecDeque::new();
    while !storm.over.load(Ordering::Relaxed) {
        let step = match later.pop_front() {
            Some(step) if dice.chance(40) => step,
            kept => {
                later.extend(kept);
                let fresh = storm.fresh();
                let mut mind = Mind { me, people: &storm.people, dice: &mut dice, fresh };
                let step = mind.step(&storm.board());
                let Some(step) = step else {
                    tokio::task::yield_now().await;
                    continue;
                };
                step
            }
        };
        if let Some(unanswered) = perform(&storm, me, &mut dice, step).await
            && later.len() < LATER
        {
            later.push_back(unanswered);
        }
    }
}

/// Sends a request until it is answered or patience is over; gives it back then.
async fn perform(storm: &Storm, me: i64, dice: &mut Dice, step: Step) -> Option<Step> {
    for _ in 0..TRIES {
        let Some(answer) = send(storm, me, &step).await else { continue };
        if !matches!(answer.status, 429 | 503) {
            let repeats = step.key.is_some() && step.act.is_told_again();
            if repeats && answer.status < 300 && dice.chance(20) {
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
async fn send(storm: &Storm, me: i64, step: &Step) -> Option<Answer> {
    let (name, value) = match step.office {
        true => ("x-admin-secret", storm.bench.secret("ADMIN_SECRET")),
        false => ("authorization", storm.bench.launch(me)),
    };
    let ask = step.ask.clone().header(name, value);
    let answer = storm.wire.try_send(&ask).await;
    storm.operations.fetch_add(1, Ordering::Relaxed);
    let said = match &answer {
        Ok(answer) => format!("{} {}", answer.status, answer.code()),
        Err(error) => format!("no answer: {error}"),
    };
    let body = ask.body.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
    let key = step.key.as_deref().unwrap_or("-");
    storm.note(format!("{me} {} {} [{key}] {body} -> {said}", ask.method, ask.path));
    let answer = answer.ok()?;
    witness::sees(storm, me, step, &answer);
    if answer.status < 300 {
        learn(&mut storm.board(), me, step.act, &answer.json());
    }
    Some(answer)
}

/// What an answer tells those who read it.
fn learn(board: &mut Board, me: i64, act: Act, body: &Value) {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match act {
        Act::Found => board.teams.extend(text(&body["team"]["id"])),
        Act::Look => {
            for team in body["teams"].as_array().into_iter().flatten() {
                if let Some(id) = text(&team["id"]) {
                    Board::learn(&mut board.teams, id);
                }
            }
            for gift in body["gifts"].as_array().into_iter().flatten() {
                let link = gift["deepLink"].as_str().and_then(|link| link.split_once("gift_"));
                if let Some((_, token)) = link {
                    Board::learn(&mut board.tokens, token.to_owned());
                }
            }
        }
        Act::Report => board.reports.extend(text(&body["report"]["id"]).map(|id| (me, id))),
        Act::Buy => board.purchases.extend(text(&body["purchase"]["id"])),
        Act::Link => {
            if let Some(id) = text(&body["attempt_id"]) {
                Board::learn(&mut board.attempts, (me, id));
            }
        }
        _ => {}
    }
}

/// The same request under the same key, at once: the same answer, and nothing else.
async fn replay(storm: &Storm, me: i64, step: &Step, first: &Answer) {
    let Some(second) = send(storm, me, step).await else { return };
    if matches!(second.status, 429 | 503) {
        return;
    }
    if first.status != second.status || first.json() != second.json() {
        let key = step.key.as_deref().unwrap_or_default();
        storm.finding(format!(
            "{} {} of {me} under {key} was answered {} {} and then {} {}",
            step.ask.method, step.ask.path, first.status, first.text, second.status, second.text
        ));
    }
}

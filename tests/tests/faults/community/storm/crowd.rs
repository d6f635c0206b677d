//! Members and administrators.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::Value;

use super::acts::{Act, Mind, Step};
use super::board::Board;
use super::{Storm, witness};
use crate::storm::asks::Answer;
use crate::storm::crowd::Life;
use crate::storm::dice::Dice;

/// A member, who is an administrator at times.
pub struct Somebody {
    pub storm: Arc<Storm>,
    pub id: i64,
}

impl Life for Somebody {
    type Step = Step;

    fn is_over(&self) -> bool {
        self.storm.is_over()
    }

    fn next(&self, dice: &mut Dice) -> Option<Step> {
        let fresh = self.storm.fresh();
        let mut mind = Mind { me: self.id, people: &self.storm.people, dice, fresh };
        mind.step(&self.storm.board())
    }

    async fn send(&self, step: &Step) -> Option<Answer> {
        let (storm, me) = (&self.storm, self.id);
        let (name, value) = match step.office {
            true => ("x-admin-secret", storm.bench().secret("ADMIN_SECRET")),
            false => ("authorization", storm.bench().launch(me)),
        };
        let ask = step.ask.clone().header(name, value);
        let answer = storm.place.wire.try_send(&ask).await;
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

    fn doubled(&self, step: &Step) -> Option<usize> {
        (step.key.is_some() && step.act.is_told_again()).then_some(20)
    }

    fn differs(&self, step: &Step, first: &Answer, second: &Answer) {
        let key = step.key.as_deref().unwrap_or_default();
        self.storm.finding(format!(
            "{} {} of {} under {key} was answered {} {} and then {} {}",
            step.ask.method,
            step.ask.path,
            self.id,
            first.status,
            first.text,
            second.status,
            second.text
        ));
    }
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

//! What every answer must be like, whatever goes wrong behind it.

use super::super::properties::town::Answer;
use super::Storm;
use super::acts::{Act, Step};
use super::board::marks;

/// Looks at an answer to `person`; 0 is nobody.
pub fn sees(storm: &Storm, person: i64, step: &Step, answer: &Answer) {
    let what = || format!("{} {} of {person}", step.ask.method, step.ask.path);
    for wrong in shape(answer) {
        storm.finding(format!("{}: {wrong}: {} {}", what(), answer.status, answer.text));
    }
    let known = matches!(answer.status, 429 | 503) || step.statuses.contains(&answer.status);
    if !known {
        storm.finding(format!("{}: {} {}", what(), answer.status, answer.text));
    }
    let (contacts, anonymous) =
        (marks(&answer.text), !step.ask.headers.iter().any(|(name, _)| *name == "authorization"));
    let reader = if anonymous { 0 } else { person };
    // Lists and everything that is not about one order or a new one tell contacts to nobody.
    let is_about = step.order.is_some() || step.act == Act::Post;
    let board = storm.board();
    let read = contacts.iter().filter(|mark| {
        !is_about || !board.may_read(reader, mark, step.order.as_deref()) || answer.status >= 400
    });
    let told: Vec<_> = read.cloned().collect();
    drop(board);
    for mark in told {
        storm.finding(format!("{} tells {mark}: {}", what(), answer.text));
    }
    let is_review = step.ask.path.starts_with("/api/reviews");
    if is_review && answer.text.contains("(wx") {
        storm.finding(format!("{} tells a description: {}", what(), answer.text));
    }
}

/// What is wrong with the looks of an answer.
pub fn shape(answer: &Answer) -> Vec<&'static str> {
    answer.shape(&["detail", "code", "request_id"])
}

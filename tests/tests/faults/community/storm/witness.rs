//! What every answer must be like, whatever goes wrong behind it.

use serde_json::Value;

use super::Storm;
use super::acts::Step;
use crate::storm::asks::{Answer, Ask};

/// What a refusal tells.
const TEXTS: [&str; 3] = ["code", "error", "message"];

/// Looks at an answer to `person`.
pub fn sees(storm: &Storm, person: i64, step: &Step, answer: &Answer) {
    let ask = &step.ask;
    for wrong in shape(answer, step.statuses) {
        storm.finding(format!(
            "{} {} of {person}: {wrong}: {} {}",
            ask.method, ask.path, answer.status, answer.text
        ));
    }
    let body = answer.json();
    for name in ["newBalance", "balance", "energiesEarned", "energiesReturned"] {
        if body[name].as_i64().is_some_and(|number| number < 0) {
            storm.finding(format!("{} of {person}: {name} is {}", ask.path, body[name]));
        }
    }
    if ask.path == "/api/v1/ratings/all-data" && answer.status == 200 {
        in_order(storm, person, &body["data"]["leaderboard"]);
    }
}

/// Ranks are places: they never fall along a list, nor do scores grow.
fn in_order(storm: &Storm, person: i64, rows: &Value) {
    let rows = rows.as_array().cloned().unwrap_or_default();
    let scores = rows.iter().map(|row| (row["rank"].as_i64(), row["energies"].as_i64()));
    let scores: Vec<_> = scores.collect();
    let fine = scores.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 >= pair[1].1);
    if !fine {
        storm.finding(format!("a rating that {person} was shown: {scores:?}"));
    }
}

/// Looks at an answer to the world outside.
pub fn hears(storm: &Storm, ask: &Ask, statuses: &[u16], answer: &Answer) {
    for wrong in shape(answer, statuses) {
        let body = ask.body.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        storm.finding(format!("{} {body}: {wrong}: {} {}", ask.path, answer.status, answer.text));
    }
}

fn shape(answer: &Answer, statuses: &[u16]) -> Vec<&'static str> {
    let status = answer.status;
    let mut wrong = answer.shape(&TEXTS);
    // A provider that fails is not ours; what Telegram is told to bring again has a shape of its own.
    if statuses.contains(&status) && status >= 500 {
        wrong.retain(|wrong| *wrong == "no JSON");
    }
    if answer.code() == "city_change_limit" {
        wrong.retain(|wrong| *wrong != "no Retry-After");
    }
    if !matches!(status, 429 | 503) && !statuses.contains(&status) {
        wrong.push("a status that nothing of the kind is answered by");
    }
    wrong
}

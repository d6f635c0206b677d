//! Achievements as administrators write them.

use serde_json::{Value, json};
use shared::clock::Instant;
use shared::http::Fields;
use shared::problem::{Problem, Result};
use shared::table::Write;

use super::model::{Achievement, Condition, Counted};
use crate::content::admin::{Replacing, fields_of};
use crate::tags::Tag;

/// What administrators call an achievement.
const KIND: &str = "achievement";
/// The most that an achievement brings.
const REWARD_MAX: i64 = 100_000;
/// The most that an achievement asks for.
const VALUE_MAX: i64 = 1_000_000_000;

/// What stands under this id from now on, whatever stood there.
///
/// # Errors
/// 404 for another kind, or an id that no achievement can have; 400 with everything that is wrong.
pub fn replacing(kind: &str, id: &str, fields: &Value, _now: Instant) -> Result<Replacing> {
    if kind != KIND || !Achievement::is_code(id) {
        return Err(Problem::not_found("Not Found"));
    }
    let mut fields = fields_of(fields)?;
    let code = fields.text("code", 1, 64);
    if code.is_some_and(|code| code != id) {
        fields.complain("code", "must be the id");
    }
    let achievement = Achievement {
        code: id.to_owned(),
        title: fields.required_text("title", 1, 200),
        description: fields.text("description", 0, 1_000),
        icon: fields.text("icon", 0, 500),
        xp_reward: natural(fields.required_integer("xpReward", 0..=REWARD_MAX)),
        condition: condition(&mut fields),
        removed: false,
    };
    fields.finish()?;
    Ok(Replacing {
        entity: json!({
            "id": achievement.code, "code": achievement.code, "title": achievement.title,
            "description": achievement.description, "icon": achievement.icon,
            "xpReward": achievement.xp_reward, "condition": achievement.condition,
        }),
        writes: vec![Write::put(KIND, &achievement)],
        tag: Tag::Content,
    })
}

/// What takes this id away, if it is there. A seeded achievement is kept as removed. Members keep
/// what they have reached.
#[must_use]
pub fn deleting(kind: &str, id: &str) -> Vec<Write> {
    if kind != KIND || !Achievement::is_code(id) {
        return Vec::new();
    }
    let seeded = Achievement::seeded().into_iter().find(|achievement| achievement.code == id);
    vec![match seeded {
        Some(achievement) => Write::put(KIND, &Achievement { removed: true, ..achievement }),
        None => Write::delete(KIND, Achievement::key_of(id)),
    }]
}

/// `{type, value}`. What does not read is complained of, and replaced by anything.
fn condition(fields: &mut Fields) -> Condition {
    let anything = Condition { counted: Counted::Level, value: 1 };
    let Some(given) = fields.raw("condition").cloned() else {
        fields.complain("condition", "is required");
        return anything;
    };
    let counted = given.get("type").cloned().map(serde_json::from_value::<Counted>);
    let value = given.get("value").and_then(Value::as_i64).filter(|n| (1..=VALUE_MAX).contains(n));
    match (counted, value) {
        (Some(Ok(counted)), Some(value)) => Condition { counted, value: natural(value) },
        (Some(Ok(_)), None) => {
            fields.complain("condition.value", "must be an integer from 1");
            anything
        }
        _ => {
            fields.complain("condition.type", "must be one of those that can be counted");
            anything
        }
    }
}

fn natural(number: i64) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

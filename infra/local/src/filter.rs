//! Event filter patterns of queue and stream sources.
//!
//! An object of the pattern must be matched by the event's object, key by key; an array lists
//! alternatives for one value. A value that is an array matches when one of its elements does.

use serde_json::{Map, Value};

/// One pattern.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter(Map<String, Value>);

/// Whether an event may pass: no filter at all, or one that matches.
#[must_use]
pub fn passes(filters: &[Filter], event: &Value) -> bool {
    filters.is_empty() || filters.iter().any(|filter| filter.matches(event))
}

impl Filter {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When it is no JSON object or uses an operator that is not known here.
    pub fn parse(pattern: &str) -> Result<Self, String> {
        match serde_json::from_str(pattern) {
            Ok(Value::Object(pattern)) => {
                check(&pattern)?;
                Ok(Self(pattern))
            }
            _ => Err(format!("the filter is not a JSON object: {pattern}")),
        }
    }

    /// Does the event match?
    #[must_use]
    pub fn matches(&self, event: &Value) -> bool {
        object(&self.0, event)
    }
}

const OPERATORS: [&str; 6] =
    ["anything-but", "equals-ignore-case", "exists", "numeric", "prefix", "suffix"];

fn check(pattern: &Map<String, Value>) -> Result<(), String> {
    for (key, value) in pattern {
        match value {
            Value::Object(inner) => check(inner)?,
            Value::Array(branches) if key == "$or" => {
                branches.iter().filter_map(Value::as_object).try_for_each(check)?;
            }
            Value::Array(alternatives) => {
                for operator in alternatives.iter().filter_map(Value::as_object) {
                    if let Some(name) =
                        operator.keys().find(|name| !OPERATORS.contains(&name.as_str()))
                    {
                        return Err(format!("the filter's operator {name} is not known"));
                    }
                }
            }
            _ => return Err(format!("the filter's {key} is neither an object nor an array")),
        }
    }
    Ok(())
}

fn object(pattern: &Map<String, Value>, event: &Value) -> bool {
    pattern.iter().all(|(key, wanted)| match wanted {
        Value::Array(branches) if key == "$or" => {
            branches.iter().filter_map(Value::as_object).any(|branch| object(branch, event))
        }
        Value::Array(alternatives) => alternatives.iter().any(|one| value(one, event.get(key))),
        Value::Object(inner) => object(inner, event.get(key).unwrap_or(&Value::Null)),
        _ => false,
    })
}

fn value(wanted: &Value, found: Option<&Value>) -> bool {
    if let (Value::Object(operator), Some(Value::Array(items))) = (wanted, found)
        && !operator.contains_key("exists")
    {
        return items.iter().any(|item| value(wanted, Some(item)));
    }
    match (wanted, found) {
        (Value::Object(operator), found) => {
            operator.iter().all(|(name, argument)| apply(name, argument, found))
        }
        (wanted, Some(Value::Array(items))) => items.iter().any(|item| same(wanted, item)),
        (wanted, Some(found)) => same(wanted, found),
        (_, None) => false,
    }
}

/// Numbers are compared as numbers: `1` is `1.0`.
fn same(left: &Value, right: &Value) -> bool {
    match (left.as_f64(), right.as_f64()) {
        (Some(left), Some(right)) => left.total_cmp(&right).is_eq(),
        _ => left == right,
    }
}

fn apply(operator: &str, argument: &Value, found: Option<&Value>) -> bool {
    if operator == "exists" {
        return found.is_some() == (argument == &Value::Bool(true));
    }
    let Some(found) = found else { return false };
    let text = found.as_str();
    match (operator, argument) {
        ("prefix", Value::String(part)) => text.is_some_and(|text| text.starts_with(part.as_str())),
        ("suffix", Value::String(part)) => text.is_some_and(|text| text.ends_with(part.as_str())),
        ("equals-ignore-case", Value::String(other)) => {
            text.is_some_and(|text| text.to_lowercase() == other.to_lowercase())
        }
        ("anything-but", Value::Array(excluded)) => !excluded.iter().any(|one| same(one, found)),
        ("anything-but", Value::Object(inner)) => {
            inner.iter().all(|(name, argument)| !apply(name, argument, Some(found)))
        }
        ("anything-but", excluded) => !same(excluded, found),
        ("numeric", Value::Array(bounds)) => numeric(bounds, found),
        _ => false,
    }
}

fn numeric(bounds: &[Value], found: &Value) -> bool {
    let Some(number) = found.as_f64() else { return false };
    bounds.chunks(2).all(|bound| match bound {
        [Value::String(operator), limit] => limit.as_f64().is_some_and(|limit| {
            let order = number.total_cmp(&limit);
            match operator.as_str() {
                "=" => order.is_eq(),
                "<" => order.is_lt(),
                "<=" => order.is_le(),
                ">" => order.is_gt(),
                ">=" => order.is_ge(),
                _ => false,
            }
        }),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn matches(pattern: &Value, event: &Value) -> bool {
        Filter::parse(&pattern.to_string()).unwrap().matches(event)
    }

    #[test]
    fn every_key_must_match_one_alternative() {
        let pattern =
            json!({"eventName": ["INSERT"], "dynamodb": {"NewImage": {"kind": {"S": ["A", "B"]}}}});
        let event = |name: &str, kind: &str| json!({ "eventName": name, "dynamodb": { "NewImage": { "kind": { "S": kind } } } });
        assert!(matches(&pattern, &event("INSERT", "B")));
        assert!(!matches(&pattern, &event("MODIFY", "A")));
        assert!(!matches(&pattern, &event("INSERT", "C")));
        assert!(!matches(&pattern, &json!({ "eventName": "INSERT", "dynamodb": {} })));
    }

    #[test]
    fn operators_are_applied() {
        for (pattern, event, expected) in [
            (json!({"a": [{"prefix": "x"}]}), json!({"a": "xy"}), true),
            (json!({"a": [{"suffix": "x"}]}), json!({"a": "xy"}), false),
            (json!({"a": [{"exists": false}]}), json!({}), true),
            (json!({"a": [{"exists": true}]}), json!({"a": null}), true),
            (json!({"a": [{"anything-but": ["x", "y"]}]}), json!({"a": "z"}), true),
            (json!({"a": [{"anything-but": {"prefix": "x"}}]}), json!({"a": "xz"}), false),
            (json!({"a": [{"numeric": [">", 1, "<=", 3]}]}), json!({"a": 3}), true),
            (json!({"a": [{"numeric": [">", 1, "<=", 3]}]}), json!({"a": 1}), false),
            (json!({"a": [{"equals-ignore-case": "AbC"}]}), json!({"a": "aBc"}), true),
            (json!({"a": [null]}), json!({"a": null}), true),
            (json!({"a": [1]}), json!({"a": [3, 1.0]}), true),
            (json!({"$or": [{"a": [1]}, {"b": [2]}]}), json!({"b": 2}), true),
        ] {
            assert_eq!(matches(&pattern, &event), expected, "{pattern} {event}");
        }
    }

    #[test]
    fn unknown_patterns_are_refused_at_the_start() {
        for pattern in ["[]", "{\"a\":1}", "{\"a\":[{\"cidr\":\"10.0.0.0/8\"}]}"] {
            assert!(Filter::parse(pattern).is_err(), "{pattern}");
        }
        assert!(passes(&[], &json!({})));
    }
}

//! A template file as it is written: YAML whose short tags become the long form of intrinsics.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};
use serde_yaml_ng::Value as Yaml;
use serde_yaml_ng::value::TaggedValue;

use super::TemplateError;

/// One template, read but not resolved.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) root: Arc<Value>,
}

/// What was read last of each path, with its text: a process that starts many stacks reads the
/// same templates for each.
static KNOWN: Mutex<BTreeMap<PathBuf, (String, Source)>> = Mutex::new(BTreeMap::new());

impl Source {
    pub(super) fn read(path: &Path) -> Result<Self, TemplateError> {
        let unreadable = |error: std::io::Error| TemplateError::new(path, "", error);
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, source)) = known().get(path).filter(|(same, _)| *same == text) {
            return Ok(source.clone());
        }
        let source = Self::parse(path, &text)?;
        known().insert(path.to_owned(), (text, source.clone()));
        Ok(source)
    }

    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, TemplateError> {
        let yaml: Yaml =
            serde_yaml_ng::from_str(text).map_err(|error| TemplateError::new(path, "", error))?;
        let root = plain(yaml).map_err(|error| TemplateError::new(path, "", error))?;
        Ok(Self { path: path.to_owned(), root: Arc::new(root) })
    }

    /// A section such as `Resources`, empty when it is missing.
    pub(super) fn section(&self, name: &str) -> Map<String, Value> {
        match self.root.get(name) {
            Some(Value::Object(section)) => section.clone(),
            _ => Map::new(),
        }
    }
}

/// YAML as JSON, `!Ref X` as `{"Ref": "X"}`, any other `!Name x` as `{"Fn::Name": x}`.
fn plain(yaml: Yaml) -> Result<Value, String> {
    Ok(match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => value.into(),
        Yaml::String(value) => value.into(),
        Yaml::Number(number) => number_of(&number)?,
        Yaml::Sequence(items) => {
            Value::Array(items.into_iter().map(plain).collect::<Result<_, _>>()?)
        }
        Yaml::Mapping(entries) => {
            let mut object = Map::new();
            for (key, value) in entries {
                object.insert(key_of(key)?, plain(value)?);
            }
            Value::Object(object)
        }
        Yaml::Tagged(tagged) => intrinsic(*tagged)?,
    })
}

fn number_of(number: &serde_yaml_ng::Number) -> Result<Value, String> {
    let integer = number.as_i64().map(Value::from).or(number.as_u64().map(Value::from));
    integer
        .or_else(|| serde_json::Number::from_f64(number.as_f64()?).map(Value::Number))
        .ok_or_else(|| format!("{number} is not a number of JSON"))
}

fn key_of(key: Yaml) -> Result<String, String> {
    match key {
        Yaml::String(key) => Ok(key),
        Yaml::Number(key) => Ok(key.to_string()),
        Yaml::Bool(key) => Ok(key.to_string()),
        other => Err(format!("a key must be a text, not {other:?}")),
    }
}

fn intrinsic(tagged: TaggedValue) -> Result<Value, String> {
    let tag = tagged.tag.to_string();
    let name = tag.trim_start_matches('!');
    let value = plain(tagged.value)?;
    Ok(match (name, value) {
        ("Ref", value) => json!({ "Ref": value }),
        ("Condition", value) => json!({ "Condition": value }),
        ("GetAtt", Value::String(path)) => {
            let (resource, attribute) =
                path.split_once('.').ok_or_else(|| format!("!GetAtt {path} has no attribute"))?;
            json!({ "Fn::GetAtt": [resource, attribute] })
        }
        (name, value) => {
            let mut object = Map::new();
            object.insert(format!("Fn::{name}"), value);
            Value::Object(object)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_tags_become_the_long_form() {
        let text = "A: !Ref X\nB: !GetAtt T.Outputs.Url\nC: !If [P, !Sub '${X}-y', 3]\nD: !Not [!Condition P]\n";
        let source = Source::parse(Path::new("t.yaml"), text).unwrap();
        let expected = json!({
            "A": { "Ref": "X" },
            "B": { "Fn::GetAtt": ["T", "Outputs.Url"] },
            "C": { "Fn::If": ["P", { "Fn::Sub": "${X}-y" }, 3] },
            "D": { "Fn::Not": [{ "Condition": "P" }] },
        });
        assert_eq!(*source.root, expected);
    }

    #[test]
    fn what_is_no_yaml_is_an_error_with_the_file() {
        let error = Source::parse(Path::new("t.yaml"), "a: [").unwrap_err();
        assert!(error.to_string().contains("t.yaml"));
    }
}

//! The meaning of references and intrinsics inside one stack.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use super::source::Source;
use super::{Names, TemplateError};

/// One stack: a template with its parameters.
pub(super) struct Scope<'a> {
    pub(super) source: Source,
    pub(super) stack: String,
    pub(super) names: &'a Names,
    /// The service whose stack this is, below the root.
    pub(super) service: Option<String>,
    parameters: BTreeMap<String, Value>,
    resources: Map<String, Value>,
    conditions: Map<String, Value>,
    children: RefCell<BTreeMap<String, Value>>,
}

type Result<T> = std::result::Result<T, TemplateError>;

impl<'a> Scope<'a> {
    /// The stack `stack` of `source` with the `given` parameters; others take their defaults.
    pub(super) fn new(
        source: Source,
        stack: &str,
        service: Option<String>,
        given: &BTreeMap<String, Value>,
        names: &'a Names,
    ) -> Result<Self> {
        let declared = source.section("Parameters");
        if let Some(unknown) = given.keys().find(|name| !declared.contains_key(*name)) {
            return Err(TemplateError::new(&source.path, unknown, "is not a parameter"));
        }
        let mut parameters = BTreeMap::new();
        for (name, declaration) in &declared {
            let value = given.get(name).or_else(|| declaration.get("Default")).cloned();
            let value = value
                .ok_or_else(|| TemplateError::new(&source.path, name, "parameter has no value"))?;
            if let Some(Value::Array(allowed)) = declaration.get("AllowedValues")
                && !allowed.iter().any(|each| text_of(each) == text_of(&value))
            {
                return Err(TemplateError::new(&source.path, name, "value is not allowed"));
            }
            parameters.insert(name.clone(), value);
        }
        Ok(Self {
            stack: stack.to_owned(),
            names,
            service,
            parameters,
            resources: source.section("Resources"),
            conditions: source.section("Conditions"),
            children: RefCell::default(),
            source,
        })
    }

    fn error(&self, at: &str, what: impl std::fmt::Display) -> TemplateError {
        TemplateError::new(&self.source.path, at, what)
    }

    /// The resources whose condition holds, in the template's order, with their types.
    pub(super) fn resources(&self) -> Result<Vec<(String, String)>> {
        let mut found = Vec::new();
        for (name, resource) in &self.resources {
            let holds = match resource.get("Condition").and_then(Value::as_str) {
                Some(condition) => self.condition(condition)?,
                None => true,
            };
            let kind = resource.get("Type").and_then(Value::as_str);
            let kind = kind.ok_or_else(|| self.error(name, "has no Type"))?;
            if holds {
                found.push((name.clone(), kind.to_owned()));
            }
        }
        Ok(found)
    }

    /// The resolved properties of a resource.
    pub(super) fn properties(&self, name: &str) -> Result<Value> {
        let resource = self.resources.get(name).ok_or_else(|| self.error(name, "is missing"))?;
        let raw = resource.get("Properties").cloned().unwrap_or_else(|| Value::Object(Map::new()));
        Ok(self.resolve(&raw)?.unwrap_or_default())
    }

    /// One property of a resource as it is written.
    pub(super) fn raw_property(&self, name: &str, property: &str) -> Option<&Value> {
        self.resources.get(name)?.get("Properties")?.get(property)
    }

    /// One resolved property of a resource.
    pub(super) fn property(&self, name: &str, property: &str) -> Result<Option<Value>> {
        match self.raw_property(name, property) {
            Some(raw) => self.resolve(raw),
            None => Ok(None),
        }
    }

    /// The nested stack that a resource stands for.
    pub(super) fn child(&self, name: &str) -> Result<Scope<'a>> {
        let location = self.property(name, "Location")?;
        let location = location.as_ref().and_then(Value::as_str);
        let location = location.ok_or_else(|| self.error(name, "Location is missing"))?;
        let folder = self.source.path.parent().unwrap_or(Path::new("."));
        let source = Source::read(&folder.join(location))?;
        let parameters = match self.property(name, "Parameters")? {
            Some(Value::Object(parameters)) => parameters.into_iter().collect(),
            _ => BTreeMap::new(),
        };
        let stem = Path::new(location).file_stem().and_then(|stem| stem.to_str());
        let service = self.service.clone().or_else(|| stem.map(str::to_owned));
        let stack = format!("{}-{name}", self.stack);
        Scope::new(source, &stack, service, &parameters, self.names)
    }

    /// A resolved output of this stack.
    fn output(&self, name: &str) -> Result<Value> {
        let outputs = self.source.section("Outputs");
        let raw = outputs.get(name).and_then(|output| output.get("Value"));
        let raw = raw.ok_or_else(|| self.error(name, "is not an output"))?;
        Ok(self.resolve(raw)?.unwrap_or_default())
    }

    fn condition(&self, name: &str) -> Result<bool> {
        let raw = self.conditions.get(name).ok_or_else(|| self.error(name, "no such condition"))?;
        self.truth(raw)
    }

    fn truth(&self, raw: &Value) -> Result<bool> {
        if let Some(name) = raw.get("Condition").and_then(Value::as_str) {
            return self.condition(name);
        }
        let Some((function, Value::Array(arguments))) = single(raw) else {
            return Err(self.error(&raw.to_string(), "is not a condition"));
        };
        let mut truths = arguments.iter().map(|argument| self.truth(argument));
        match (function, arguments.as_slice()) {
            ("Fn::Equals", [left, right]) => {
                let (left, right) = (self.resolve(left)?, self.resolve(right)?);
                Ok(left.as_ref().map(text_of) == right.as_ref().map(text_of))
            }
            ("Fn::Not", [condition]) => Ok(!self.truth(condition)?),
            ("Fn::And", _) => truths.try_fold(true, |all, each| Ok(all & each?)),
            ("Fn::Or", _) => truths.try_fold(false, |any, each| Ok(any | each?)),
            _ => Err(self.error(function, "is not a condition")),
        }
    }

    /// The value with all intrinsics replaced; `None` for `AWS::NoValue`.
    pub(super) fn resolve(&self, raw: &Value) -> Result<Option<Value>> {
        match raw {
            Value::Object(object) => match single(raw) {
                Some(("Ref", Value::String(name))) => self.reference(name),
                Some((function, argument)) if function.starts_with("Fn::") => {
                    self.call(function, argument)
                }
                _ => {
                    let mut resolved = Map::new();
                    for (key, value) in object {
                        if let Some(value) = self.resolve(value)? {
                            resolved.insert(key.clone(), value);
                        }
                    }
                    Ok(Some(Value::Object(resolved)))
                }
            },
            Value::Array(items) => {
                let resolved = items.iter().map(|item| self.resolve(item));
                let resolved = resolved.filter_map(Result::transpose).collect::<Result<_>>()?;
                Ok(Some(Value::Array(resolved)))
            }
            plain => Ok(Some(plain.clone())),
        }
    }

    fn text(&self, raw: &Value) -> Result<String> {
        Ok(self.resolve(raw)?.as_ref().map(text_of).unwrap_or_default())
    }

    fn call(&self, function: &str, argument: &Value) -> Result<Option<Value>> {
        let arguments = argument.as_array().map(Vec::as_slice).unwrap_or_default();
        match (function, arguments) {
            ("Fn::If", [Value::String(condition), yes, no]) => {
                self.resolve(if self.condition(condition)? { yes } else { no })
            }
            ("Fn::GetAtt", [Value::String(resource), Value::String(attribute)]) => {
                self.attribute(resource, attribute).map(Some)
            }
            ("Fn::Sub", [Value::String(text), Value::Object(own)]) => {
                self.substitute(text, own).map(Some)
            }
            ("Fn::Sub", _) if argument.is_string() => {
                self.substitute(argument.as_str().unwrap_or_default(), &Map::new()).map(Some)
            }
            ("Fn::Join", [Value::String(separator), items]) => {
                let items = self.resolve(items)?.unwrap_or_default();
                let items = items.as_array().map(Vec::as_slice).unwrap_or_default();
                let texts: Vec<String> = items.iter().map(text_of).collect();
                Ok(Some(texts.join(separator).into()))
            }
            ("Fn::Split", [Value::String(separator), text]) => {
                let text = self.text(text)?;
                Ok(Some(text.split(separator.as_str()).map(Value::from).collect()))
            }
            ("Fn::Select", [index, items]) => {
                let index = self.text(index)?.parse::<usize>().unwrap_or(usize::MAX);
                let items = self.resolve(items)?.unwrap_or_default();
                let item = items.get(index).cloned();
                item.map(Some).ok_or_else(|| self.error("Fn::Select", "index out of range"))
            }
            _ => Err(self.error(function, "is not supported here")),
        }
    }

    fn substitute(&self, text: &str, own: &Map<String, Value>) -> Result<Value> {
        let mut result = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, tail) =
                after.split_once('}').ok_or_else(|| self.error(text, "'${' is not closed"))?;
            result.push_str(before);
            if let Some(literal) = name.strip_prefix('!') {
                result.push_str(&format!("${{{literal}}}"));
            } else if let Some(value) = own.get(name) {
                result.push_str(&self.text(value)?);
            } else if let Some((resource, attribute)) =
                name.split_once('.').filter(|_| !name.ends_with(".Alias"))
            {
                result.push_str(&text_of(&self.attribute(resource, attribute)?));
            } else {
                result.push_str(&text_of(&self.reference(name)?.unwrap_or_default()));
            }
            rest = tail;
        }
        result.push_str(rest);
        Ok(result.into())
    }

    fn reference(&self, name: &str) -> Result<Option<Value>> {
        if name == "AWS::NoValue" {
            return Ok(None);
        }
        if let Some(value) = self.names.pseudo(name, &self.stack) {
            return Ok(Some(value.into()));
        }
        if let Some(value) = self.parameters.get(name) {
            return Ok(Some(value.clone()));
        }
        let (resource, alias) = name.split_once('.').unwrap_or((name, ""));
        if !self.resources.contains_key(resource) {
            return Err(self.error(name, "is neither a parameter nor a resource"));
        }
        let (kind, physical) = (self.kind(resource), self.physical(resource)?);
        let names = self.names;
        let value = match (kind, alias) {
            ("AWS::Serverless::Function", "Alias") => {
                format!("{}:live", names.arn("lambda", &format!("function:{physical}")))
            }
            ("AWS::SQS::Queue", _) => names.queue_url(&physical),
            ("AWS::SNS::Topic", _) => names.arn("sns", &physical),
            _ => physical,
        };
        Ok(Some(value.into()))
    }

    fn attribute(&self, resource: &str, attribute: &str) -> Result<Value> {
        if let Some(output) = attribute.strip_prefix("Outputs.") {
            return self.child_output(resource, output);
        }
        if !self.resources.contains_key(resource) {
            return Err(self.error(resource, "is not a resource"));
        }
        let (kind, physical) = (self.kind(resource), self.physical(resource)?);
        let names = self.names;
        let value = match (kind, attribute) {
            ("AWS::DynamoDB::Table", "Arn") => names.arn("dynamodb", &format!("table/{physical}")),
            ("AWS::DynamoDB::Table", "StreamArn") => {
                names.arn("dynamodb", &format!("table/{physical}/stream/local"))
            }
            ("AWS::SQS::Queue", "Arn") => names.arn("sqs", &physical),
            ("AWS::SQS::Queue", "QueueName") => physical,
            ("AWS::SQS::Queue", "QueueUrl") => names.queue_url(&physical),
            ("AWS::ApiGatewayV2::Api", "ApiEndpoint") => {
                names.api_url(self.service.as_deref().unwrap_or_default())
            }
            ("AWS::Serverless::Function", "Arn") => {
                names.arn("lambda", &format!("function:{physical}"))
            }
            (kind, "Arn") => {
                let service = kind.split("::").nth(1).unwrap_or_default().to_lowercase();
                names.arn(&service, &physical)
            }
            _ => return Err(self.error(&format!("{resource}.{attribute}"), "is not known here")),
        };
        Ok(value.into())
    }

    fn child_output(&self, resource: &str, output: &str) -> Result<Value> {
        let key = format!("{resource}.{output}");
        if let Some(known) = self.children.borrow().get(&key) {
            return Ok(known.clone());
        }
        let value = self.child(resource)?.output(output)?;
        self.children.borrow_mut().insert(key, value.clone());
        Ok(value)
    }

    fn kind(&self, resource: &str) -> &str {
        let kind = self.resources.get(resource).and_then(|resource| resource.get("Type"));
        kind.and_then(Value::as_str).unwrap_or_default()
    }

    /// What the resource is called: by its own property, else by stack and logical name.
    pub(super) fn physical(&self, resource: &str) -> Result<String> {
        let property = match self.kind(resource) {
            "AWS::DynamoDB::Table" => "TableName",
            "AWS::SQS::Queue" => "QueueName",
            "AWS::SNS::Topic" => "TopicName",
            "AWS::Serverless::Function" | "AWS::Lambda::Function" => "FunctionName",
            "AWS::Logs::LogGroup" => "LogGroupName",
            "AWS::IAM::Role" => "RoleName",
            "AWS::CloudWatch::Alarm" => "AlarmName",
            _ => "",
        };
        match self.property(resource, property)? {
            Some(name) => Ok(text_of(&name)),
            None => Ok(format!("{}-{resource}", self.stack)),
        }
    }
}

/// The only entry of an object that has one.
fn single(value: &Value) -> Option<(&str, &Value)> {
    let object = value.as_object()?;
    let mut entries = object.iter();
    match (entries.next(), entries.next()) {
        (Some((key, value)), None) => Some((key, value)),
        _ => None,
    }
}

/// A scalar as CloudFormation compares and joins it: as text.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
#[path = "scope_tests.rs"]
mod tests;

//! One write: a put, an update, a delete or a check, with its condition and its name.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    self, AttributeValue, DeleteRequest, PutRequest, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, WriteRequest,
};
use serde::Serialize;

use super::{Entity, Item, Key, StoreError, WriteError};

/// A write under construction. Failures to encode a value surface when it is performed.
///
/// In conditions, attribute names are written with a `#` (`"#status = :pending"`), which keeps
/// them clear of DynamoDB's reserved words, and values with a `:` and bound by [`Write::bind`].
#[derive(Clone, Debug)]
pub struct Write {
    name: &'static str,
    kind: Kind,
    condition: Option<String>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
    error: Option<StoreError>,
}

#[derive(Clone, Debug)]
enum Kind {
    Put(HashMap<String, AttributeValue>),
    Update { key: Key, set: Vec<String>, add: Vec<String>, remove: Vec<String> },
    Delete(Key),
    Check(Key),
}

pub(super) struct Put {
    pub(super) item: HashMap<String, AttributeValue>,
    pub(super) condition: Option<String>,
    pub(super) names: HashMap<String, String>,
    pub(super) values: HashMap<String, AttributeValue>,
}

pub(super) struct Update {
    pub(super) key: HashMap<String, AttributeValue>,
    pub(super) expression: String,
    pub(super) condition: Option<String>,
    pub(super) names: HashMap<String, String>,
    pub(super) values: HashMap<String, AttributeValue>,
}

pub(super) struct Delete {
    pub(super) key: HashMap<String, AttributeValue>,
    pub(super) condition: Option<String>,
    pub(super) names: HashMap<String, String>,
    pub(super) values: HashMap<String, AttributeValue>,
}

pub(super) enum Action {
    Put(Put),
    Update(Update),
    Delete(Delete),
    Check(Delete),
}

impl Write {
    fn new(name: &'static str, kind: Kind) -> Self {
        let (names, values) = (HashMap::new(), HashMap::new());
        Self { name, kind, condition: None, names, values, error: None }
    }

    /// Writes the entity, replacing what is there.
    #[must_use]
    pub fn put<E: Entity>(name: &'static str, entity: &E) -> Self {
        match Item::of(entity) {
            Ok(item) => Self::new(name, Kind::Put(item.0)),
            Err(error) => Self { error: Some(error), ..Self::new(name, Kind::Put(HashMap::new())) },
        }
    }

    /// Writes the entity where nothing is yet.
    #[must_use]
    pub fn insert<E: Entity>(name: &'static str, entity: &E) -> Self {
        Self::put(name, entity).when("attribute_not_exists(#pk)")
    }

    /// Changes attributes of the item at `key`, making it when it does not exist.
    #[must_use]
    pub fn update(name: &'static str, key: Key) -> Self {
        Self::new(name, Kind::Update { key, set: vec![], add: vec![], remove: vec![] })
    }

    /// Deletes the item at `key`.
    #[must_use]
    pub fn delete(name: &'static str, key: Key) -> Self {
        Self::new(name, Kind::Delete(key))
    }

    /// Writes nothing, but lets the transaction pass only if the condition holds.
    #[must_use]
    pub fn check(name: &'static str, key: Key) -> Self {
        Self::new(name, Kind::Check(key))
    }

    /// The name under which a refusal is reported.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The key of what is written; `None` for a put of something without one.
    #[must_use]
    pub fn key(&self) -> Option<Key> {
        match &self.kind {
            Kind::Put(item) => Item(item.clone()).key(),
            Kind::Update { key, .. } | Kind::Delete(key) | Kind::Check(key) => Some(key.clone()),
        }
    }

    /// Requires `condition`, in addition to what is required already.
    #[must_use]
    pub fn when(mut self, condition: &str) -> Self {
        self.register_names(condition);
        self.condition = Some(match self.condition.take() {
            None => condition.to_owned(),
            Some(earlier) => format!("({earlier}) AND ({condition})"),
        });
        self
    }

    /// Gives the placeholder `:name` its value.
    #[must_use]
    pub fn bind(mut self, placeholder: &str, value: impl Serialize) -> Self {
        match serde_dynamo::to_attribute_value(value) {
            Ok(value) => {
                self.values.insert(placeholder.to_owned(), value);
            }
            Err(error) => self.error = Some(StoreError::encoding(error)),
        }
        self
    }

    /// Sets an attribute.
    #[must_use]
    pub fn set(self, attribute: &str, value: impl Serialize) -> Self {
        self.clause(attribute, Some(value), |a, v| (Clause::Set, format!("{a} = {v}")))
    }

    /// Sets an attribute that is not there yet.
    #[must_use]
    pub fn set_once(self, attribute: &str, value: impl Serialize) -> Self {
        self.clause(attribute, Some(value), |a, v| {
            (Clause::Set, format!("{a} = if_not_exists({a}, {v})"))
        })
    }

    /// Sets an attribute to `amount` more than another one holds; an absent one counts as 0.
    #[must_use]
    pub fn set_sum(mut self, attribute: &str, other: &str, amount: i64) -> Self {
        self.names.insert(format!("#{other}"), other.to_owned());
        let write = self.clause(attribute, Some(amount), |a, v| {
            (Clause::Set, format!("{a} = if_not_exists(#{other}, :nothing) + {v}"))
        });
        write.bind(":nothing", 0)
    }

    /// Adds to a number; an absent one counts as 0.
    #[must_use]
    pub fn add(self, attribute: &str, amount: i64) -> Self {
        self.clause(attribute, Some(amount), |a, v| (Clause::Add, format!("{a} {v}")))
    }

    /// Appends a value to a list; an absent one counts as empty.
    #[must_use]
    pub fn append(self, attribute: &str, value: impl Serialize) -> Self {
        let write = self.clause(attribute, Some([value]), |a, v| {
            (Clause::Set, format!("{a} = list_append(if_not_exists({a}, :no_list), {v})"))
        });
        write.bind(":no_list", [(); 0])
    }

    /// Removes an attribute.
    #[must_use]
    pub fn remove(self, attribute: &str) -> Self {
        self.clause(attribute, None::<()>, |a, _| (Clause::Remove, a.to_owned()))
    }

    /// Sets the attribute, or removes it when there is no value.
    #[must_use]
    pub fn set_or_remove(self, attribute: &str, value: Option<impl Serialize>) -> Self {
        match value {
            Some(value) => self.set(attribute, value),
            None => self.remove(attribute),
        }
    }

    fn clause<V: Serialize>(
        mut self,
        attribute: &str,
        value: Option<V>,
        write: impl FnOnce(&str, &str) -> (Clause, String),
    ) -> Self {
        let alias = format!("#{attribute}");
        let placeholder = format!(":set_{attribute}");
        let (clause, text) = write(&alias, &placeholder);
        self.names.insert(alias, attribute.to_owned());
        if let Kind::Update { set, add, remove, .. } = &mut self.kind {
            match clause {
                Clause::Set => set.push(text),
                Clause::Add => add.push(text),
                Clause::Remove => remove.push(text),
            }
        } else {
            self.error = Some(StoreError::encoding("only an update changes single attributes"));
        }
        match value {
            Some(value) => self.bind(&placeholder, value),
            None => self,
        }
    }

    fn register_names(&mut self, expression: &str) {
        for part in expression.split('#').skip(1) {
            let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let name = part.get(..end.unwrap_or(part.len())).unwrap_or_default();
            self.names.insert(format!("#{name}"), name.to_owned());
        }
    }

    pub(super) fn into_action(self) -> Result<Action, StoreError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let Self { condition, names, values, .. } = self;
        Ok(match self.kind {
            Kind::Put(item) => Action::Put(Put { item, condition, names, values }),
            Kind::Update { key, set, add, remove } => Action::Update(Update {
                key: key.attributes(),
                expression: update_expression(&set, &add, &remove),
                condition,
                names,
                values,
            }),
            Kind::Delete(key) => {
                Action::Delete(Delete { key: key.attributes(), condition, names, values })
            }
            Kind::Check(key) => {
                Action::Check(Delete { key: key.attributes(), condition, names, values })
            }
        })
    }

    pub(super) fn into_transact_item(self, table: &str) -> Result<TransactWriteItem, WriteError> {
        let all_old = ReturnValuesOnConditionCheckFailure::AllOld;
        macro_rules! fill {
            ($builder:expr, $action:ident) => {
                $builder
                    .table_name(table)
                    .set_expression_attribute_names(super::none_if_empty($action.names))
                    .set_expression_attribute_values(super::none_if_empty($action.values))
                    .return_values_on_condition_check_failure(all_old)
            };
        }
        let item = TransactWriteItem::builder();
        let item = match self.into_action()? {
            Action::Put(put) => {
                let builder = types::Put::builder().set_item(Some(put.item));
                let builder = builder.set_condition_expression(put.condition);
                item.put(fill!(builder, put).build().map_err(StoreError::build)?)
            }
            Action::Update(update) => {
                let builder = types::Update::builder().set_key(Some(update.key));
                let builder = builder
                    .update_expression(update.expression)
                    .set_condition_expression(update.condition);
                item.update(fill!(builder, update).build().map_err(StoreError::build)?)
            }
            Action::Delete(delete) => {
                let builder = types::Delete::builder().set_key(Some(delete.key));
                let builder = builder.set_condition_expression(delete.condition);
                item.delete(fill!(builder, delete).build().map_err(StoreError::build)?)
            }
            Action::Check(check) => {
                let builder = types::ConditionCheck::builder().set_key(Some(check.key));
                let builder = builder.set_condition_expression(check.condition);
                item.condition_check(fill!(builder, check).build().map_err(StoreError::build)?)
            }
        };
        Ok(item.build())
    }
}

impl Write {
    /// The write as part of a batch, which knows puts and deletes without conditions only.
    pub(super) fn into_request(self) -> Result<WriteRequest, StoreError> {
        let request = WriteRequest::builder();
        let request = match self.into_action()? {
            Action::Put(Put { item, condition: None, .. }) => {
                let put = PutRequest::builder().set_item(Some(item));
                request.put_request(put.build().map_err(StoreError::build)?)
            }
            Action::Delete(Delete { key, condition: None, .. }) => {
                let delete = DeleteRequest::builder().set_key(Some(key));
                request.delete_request(delete.build().map_err(StoreError::build)?)
            }
            _ => return Err(StoreError::not_for_a_batch()),
        };
        Ok(request.build())
    }
}

enum Clause {
    Set,
    Add,
    Remove,
}

fn update_expression(set: &[String], add: &[String], remove: &[String]) -> String {
    [("SET", set), ("ADD", add), ("REMOVE", remove)]
        .iter()
        .filter(|(_, clauses)| !clauses.is_empty())
        .map(|(verb, clauses)| format!("{verb} {}", clauses.join(", ")))
        .collect::<Vec<_>>()
        .join(" ")
}

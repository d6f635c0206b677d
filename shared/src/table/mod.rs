//! Typed items, pages and transactions over one DynamoDB table.
//!
//! Keys are typed: nobody formats a key outside an entity's own `key` function. Every write of a
//! transaction has a name, and a refused condition comes back under that name with the item that
//! refused it, so that no second read is needed to tell the caller why. There is no scan.

mod batch;
mod error;
mod item;
mod query;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod write;

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    ConsumedCapacity, ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure,
};

pub use error::{Refusal, StoreError, WriteError};
pub use item::{Entity, Item, Key, Rows};
pub use query::{Cursor, CursorError, Page, Query};
pub use write::Write;

use crate::aws::Aws;
use crate::meter::{self, Charge};
use crate::{ids, retry};

/// One DynamoDB table.
#[derive(Clone, Debug)]
pub struct Table {
    client: aws_sdk_dynamodb::Client,
    name: String,
}

/// The name of the attribute that holds the time to live, in epoch seconds.
pub const TTL_ATTRIBUTE: &str = "expires_at_s";

/// How often a transaction that met another one is tried before the caller is told to come again.
const CONFLICT_TRIES: u32 = 5;

impl Table {
    /// The table `name`.
    #[must_use]
    pub fn new(aws: &Aws, name: impl Into<String>) -> Self {
        Self { client: aws.dynamodb().clone(), name: name.into() }
    }

    /// Reads one item, strongly consistent. One request.
    ///
    /// # Errors
    /// [`StoreError`] when the table does not answer or the item does not read as an `E`.
    pub async fn get<E: Entity>(&self, key: &Key) -> Result<Option<E>, StoreError> {
        self.get_item(key).await?.map(|item| item.read()).transpose()
    }

    /// Reads one item as it stands, strongly consistent. One request.
    ///
    /// # Errors
    /// [`StoreError`] when the table does not answer.
    pub async fn get_item(&self, key: &Key) -> Result<Option<Item>, StoreError> {
        let request = self
            .client
            .get_item()
            .table_name(&self.name)
            .set_key(Some(key.attributes()))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = meter::request(Box::pin(request.send()), |answer| match answer {
            Ok(output) => read_charge(output.consumed_capacity()),
            Err(_) => Charge::default(),
        })
        .await;
        Ok(answer.map_err(StoreError::from_sdk)?.item.map(Item))
    }

    /// Reads one page. One request.
    ///
    /// # Errors
    /// [`StoreError`] when the table does not answer.
    pub async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        let request = query
            .request(self.client.query().table_name(&self.name))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = meter::request(Box::pin(request.send()), |answer| match answer {
            Ok(output) => read_charge(output.consumed_capacity()),
            Err(_) => Charge::default(),
        })
        .await
        .map_err(StoreError::from_sdk)?;
        let items = answer.items.unwrap_or_default().into_iter().map(Item).collect();
        Ok(Page::new(items, answer.last_evaluated_key))
    }

    /// Reads every page of a query, as one. One request for each.
    ///
    /// # Errors
    /// [`StoreError`] when the table does not answer.
    pub async fn query_all(&self, query: &Query) -> Result<Page, StoreError> {
        let mut all = self.query(query).await?;
        while let Some(cursor) = all.next.take() {
            let page = self.query(&query.clone().after(Some(cursor))).await?;
            all.items.extend(page.items);
            all.next = page.next;
        }
        Ok(all)
    }

    /// Performs one write by itself. One request. Answers the item after an update, if any.
    ///
    /// # Errors
    /// [`WriteError::Refused`] when the condition does not hold, [`WriteError::Store`] else.
    pub async fn write(&self, write: Write) -> Result<Option<Item>, WriteError> {
        let name = write.name();
        let outcome = match write.into_action()? {
            write::Action::Put(put) => self.put(put).await,
            write::Action::Update(update) => self.update(update).await,
            write::Action::Delete(delete) => self.delete(delete).await,
            write::Action::Check(_) => Err(SingleError::Store(StoreError::lone_check())),
        };
        outcome.map_err(|error| match error {
            SingleError::Refused(old) => WriteError::Refused(Refusal::single(name, old)),
            SingleError::Store(error) => WriteError::Store(error),
        })
    }

    /// Performs all writes or none. One request; one that only met another transaction is tried
    /// again with jitter.
    ///
    /// The writes stand in the order in which a refusal is to be told: of several conditions
    /// that do not hold, [`Refusal::name`] is the first's.
    ///
    /// # Errors
    /// [`WriteError::Refused`] when a condition does not hold, [`WriteError::Conflict`] when
    /// other transactions kept winning, [`WriteError::Store`] else.
    pub async fn transact(&self, writes: Vec<Write>) -> Result<(), WriteError> {
        let names: Vec<_> = writes.iter().map(Write::name).collect();
        let items = writes
            .into_iter()
            .map(|write| write.into_transact_item(&self.name))
            .collect::<Result<Vec<_>, _>>()?;
        let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
        for attempt in 1..=CONFLICT_TRIES {
            let request = self
                .client
                .transact_write_items()
                .set_transact_items(Some(items.clone()))
                .client_request_token(ids::uuid())
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            let answer = meter::request(Box::pin(request.send()), |answer| match answer {
                Ok(output) => {
                    Charge { items: count, ..sum(output.consumed_capacity(), write_charge) }
                }
                Err(_) => Charge::default(),
            })
            .await;
            let Err(error) = answer else { return Ok(()) };
            let reasons = match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(e)) => {
                    e.cancellation_reasons().to_vec()
                }
                _ => return Err(WriteError::Store(StoreError::from_sdk(error))),
            };
            if let Some(refusal) = Refusal::from_reasons(&names, &reasons) {
                return Err(WriteError::Refused(refusal));
            }
            if !error::only_conflicts(&reasons) {
                return Err(WriteError::Store(StoreError::from_sdk(error)));
            }
            retry::pause(attempt).await;
        }
        Err(WriteError::Conflict)
    }

    /// Does the table answer? One request, for readiness and to open the connection in INIT.
    ///
    /// # Errors
    /// [`StoreError`] when it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.get_item(&Key::new("PING", "PING")).await.map(|_| ())
    }
}

/// How a single write ended badly.
enum SingleError {
    Refused(Option<Item>),
    Store(StoreError),
}

/// The three single writes differ in nothing but their operation's name and their answer.
macro_rules! single_write {
    ($self:ident, $method:ident, $error:path, $refused:path, $action:ident, $returns:expr, $build:expr) => {{
        let request = $build($self.client.$method().table_name(&$self.name))
            .set_condition_expression($action.condition)
            .set_expression_attribute_names(none_if_empty($action.names))
            .set_expression_attribute_values(none_if_empty($action.values))
            .return_values($returns)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = meter::request(Box::pin(request.send()), |answer| match answer {
            Ok(output) => Charge { items: 1, ..write_charge(output.consumed_capacity()) },
            Err(_) => Charge::default(),
        })
        .await;
        match answer {
            Ok(output) => Ok(output.attributes.map(Item)),
            Err(error) => match error.as_service_error() {
                Some($refused(e)) => Err(SingleError::Refused(e.item.clone().map(Item))),
                _ => Err(SingleError::Store(StoreError::from_sdk(error))),
            },
        }
    }};
}

impl Table {
    async fn put(&self, put: write::Put) -> Result<Option<Item>, SingleError> {
        use aws_sdk_dynamodb::operation::put_item::PutItemError as E;
        use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder as Builder;
        let build = |request: Builder| request.set_item(Some(put.item));
        single_write!(
            self,
            put_item,
            E,
            E::ConditionalCheckFailedException,
            put,
            ReturnValue::None,
            build
        )
    }

    async fn update(&self, update: write::Update) -> Result<Option<Item>, SingleError> {
        use aws_sdk_dynamodb::operation::update_item::UpdateItemError as E;
        use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder as Builder;
        let build = |request: Builder| {
            request.set_key(Some(update.key)).update_expression(update.expression)
        };
        single_write!(
            self,
            update_item,
            E,
            E::ConditionalCheckFailedException,
            update,
            ReturnValue::AllNew,
            build
        )
    }

    async fn delete(&self, delete: write::Delete) -> Result<Option<Item>, SingleError> {
        use aws_sdk_dynamodb::operation::delete_item::DeleteItemError as E;
        use aws_sdk_dynamodb::operation::delete_item::builders::DeleteItemFluentBuilder as Builder;
        let build = |request: Builder| request.set_key(Some(delete.key));
        single_write!(
            self,
            delete_item,
            E,
            E::ConditionalCheckFailedException,
            delete,
            ReturnValue::None,
            build
        )
    }
}

fn none_if_empty<V>(map: HashMap<String, V>) -> Option<HashMap<String, V>> {
    (!map.is_empty()).then_some(map)
}

fn read_charge(capacity: Option<&ConsumedCapacity>) -> Charge {
    Charge { read_milliunits: milliunits(capacity), ..Charge::default() }
}

fn write_charge(capacity: Option<&ConsumedCapacity>) -> Charge {
    Charge { write_milliunits: milliunits(capacity), ..Charge::default() }
}

fn sum(capacities: &[ConsumedCapacity], charge: fn(Option<&ConsumedCapacity>) -> Charge) -> Charge {
    capacities.iter().map(|capacity| charge(Some(capacity))).fold(Charge::default(), |a, b| {
        Charge {
            items: a.items + b.items,
            read_milliunits: a.read_milliunits + b.read_milliunits,
            write_milliunits: a.write_milliunits + b.write_milliunits,
        }
    })
}

/// DynamoDB reports capacity as a floating-point number of units, in halves.
fn milliunits(capacity: Option<&ConsumedCapacity>) -> u64 {
    let units = capacity.and_then(|c| c.capacity_units).unwrap_or_default();
    let (whole, fraction) = {
        let text = format!("{units:.3}");
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
        (whole.parse::<u64>().unwrap_or_default(), fraction.parse::<u64>().unwrap_or_default())
    };
    whole * 1000 + fraction
}

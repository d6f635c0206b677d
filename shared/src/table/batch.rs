//! Many items in one request. What DynamoDB leaves unprocessed is asked for again.

use aws_sdk_dynamodb::types::{KeysAndAttributes, ReturnConsumedCapacity};

use super::{
    CONFLICT_TRIES, Entity, Item, Key, Rows, StoreError, Table, Write, read_charge, sum,
    write_charge,
};
use crate::meter::{self, Charge};
use crate::retry;

/// Writes of one request.
const WRITES_MAX: usize = 25;

impl Table {
    /// Reads up to 100 items at once, strongly consistent. One request; what DynamoDB leaves
    /// unprocessed is asked for again.
    ///
    /// # Errors
    /// [`StoreError`] when the table does not answer or keeps leaving keys unprocessed.
    pub async fn batch(&self, keys: &[Key]) -> Result<Rows, StoreError> {
        let mut rows = Rows::default();
        let mut pending: Vec<_> = keys.iter().map(Key::attributes).collect();
        let mut tries = 0;
        while !pending.is_empty() {
            if tries == CONFLICT_TRIES {
                return Err(StoreError::unprocessed());
            }
            if tries > 0 {
                retry::pause(tries).await;
            }
            tries += 1;
            let wanted = KeysAndAttributes::builder()
                .set_keys(Some(pending))
                .consistent_read(true)
                .build()
                .map_err(StoreError::build)?;
            let request = self
                .client
                .batch_get_item()
                .request_items(&self.name, wanted)
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            let answer = meter::request(Box::pin(request.send()), |answer| match answer {
                Ok(output) => sum(output.consumed_capacity(), read_charge),
                Err(_) => Charge::default(),
            })
            .await
            .map_err(StoreError::from_sdk)?;
            rows.extend(answer.responses.unwrap_or_default().into_values().flatten());
            pending = answer
                .unprocessed_keys
                .unwrap_or_default()
                .into_values()
                .flat_map(|left| left.keys)
                .collect();
        }
        Ok(rows)
    }

    /// What stands in the table behind up to 100 items of an index, which lags: in their order, and
    /// without what is gone. One batch read, if there are any.
    ///
    /// # Errors
    /// As [`Table::batch`]; when one of them is something else.
    pub async fn behind<E: Entity>(&self, items: &[Item]) -> Result<Vec<E>, StoreError> {
        let keys: Vec<Key> = items.iter().filter_map(Item::key).collect();
        let rows = self.batch(&keys).await?;
        keys.iter().filter_map(|key| rows.get(key).transpose()).collect()
    }

    /// Puts and deletes any number of items, each for itself, without conditions and without a
    /// transaction: after an error some are written and some are not, so that doing it all again
    /// must be harmless. One request for 25 items. No two may be for one item.
    ///
    /// # Errors
    /// [`StoreError`] when the table does not answer or keeps leaving writes unprocessed, or when
    /// a write is more than a put or a delete.
    pub async fn write_batch(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        let requests = writes.into_iter().map(Write::into_request);
        let requests = requests.collect::<Result<Vec<_>, _>>()?;
        for some in requests.chunks(WRITES_MAX) {
            let mut pending = some.to_vec();
            let mut tries = 0;
            while !pending.is_empty() {
                if tries == CONFLICT_TRIES {
                    return Err(StoreError::unprocessed());
                }
                if tries > 0 {
                    retry::pause(tries).await;
                }
                tries += 1;
                let count = u32::try_from(pending.len()).unwrap_or(u32::MAX);
                let request = self
                    .client
                    .batch_write_item()
                    .request_items(&self.name, pending)
                    .return_consumed_capacity(ReturnConsumedCapacity::Total);
                let answer = meter::request(Box::pin(request.send()), |answer| match answer {
                    Ok(output) => {
                        let left = output
                            .unprocessed_items()
                            .map_or(0, |left| left.values().map(Vec::len).sum());
                        let items = count.saturating_sub(u32::try_from(left).unwrap_or(u32::MAX));
                        Charge { items, ..sum(output.consumed_capacity(), write_charge) }
                    }
                    Err(_) => Charge::default(),
                })
                .await
                .map_err(StoreError::from_sdk)?;
                let left = answer.unprocessed_items.unwrap_or_default();
                pending = left.into_values().flatten().collect();
            }
        }
        Ok(())
    }
}

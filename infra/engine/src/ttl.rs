//! Items whose time to live is over.
//!
//! `dynoxide`'s own sweep reads every row of a table, which keeps everybody else waiting for
//! seconds where there are millions. Here an index over the attribute finds the few that are due,
//! and the lock is given back between pages.

use dynoxide::DynoxideError;
use dynoxide::storage::{Storage, TableMetadata};
use dynoxide::types::Item;
use serde::Deserialize;
use serde_json::{Value, json};

/// Items deleted before others have their turn.
pub(crate) const PAGE: usize = 25;

/// Who deletes, as stream records name it.
const IDENTITY: &str = r#"{"type":"Service","principalId":"dynamodb.amazonaws.com"}"#;

type Result<T, E = DynoxideError> = std::result::Result<T, E>;

/// An item that is due.
pub(crate) struct Due {
    table: String,
    key: Value,
}

impl Due {
    /// The request that deletes it.
    pub(crate) fn deletion(&self) -> Value {
        json!({ "TableName": self.table, "Key": self.key })
    }

    /// Has the newest record of the table's stream say that the service did it.
    pub(crate) fn sign(&self, storage: &Storage) -> Result<()> {
        let sql = "UPDATE _stream_records SET user_identity = ?1
            WHERE table_name = ?2 AND CAST(sequence_number AS INTEGER) = (
                SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records
                WHERE table_name = ?2)
            AND event_name = 'REMOVE'";
        storage.conn().prepare_cached(sql)?.execute([IDENTITY, &self.table])?;
        Ok(())
    }
}

/// One page of the items whose attribute lies before `now_s`, of all tables.
pub(crate) fn due(storage: &Storage, now_s: i64) -> Result<Vec<Due>> {
    let mut due = Vec::new();
    for table in storage.list_ttl_enabled_tables()? {
        let Some(attribute) = &table.ttl_attribute else { continue };
        let items = page(storage, &table.table_name, attribute, now_s, PAGE - due.len())?;
        for item in items {
            due.push(Due { table: table.table_name.clone(), key: key(&table, &item)? });
        }
        if due.len() == PAGE {
            break;
        }
    }
    Ok(due)
}

/// Reads by the index, which it makes where there is none. It goes with its table.
fn page(
    storage: &Storage,
    table: &str,
    attribute: &str,
    now_s: i64,
    limit: usize,
) -> Result<Vec<String>> {
    let text = text_of(attribute);
    let table_name = table.replace('"', "\"\"");
    let conn = storage.conn();
    conn.execute_batch(&format!(
        "CREATE INDEX IF NOT EXISTS \"tamga_ttl_{table_name}_{}\"
            ON \"{table_name}\" (CAST({text} AS INTEGER)) WHERE {text} IS NOT NULL",
        attribute.replace('"', "\"\"")
    ))?;
    let sql = format!(
        "SELECT item_json FROM \"{table_name}\" WHERE {text} IS NOT NULL
            AND CAST({text} AS INTEGER) >= 0 AND CAST({text} AS INTEGER) < ?1
            ORDER BY CAST({text} AS INTEGER) LIMIT ?2"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = conn.prepare_cached(&sql)?;
    let rows = statement.query_map([now_s, limit], |row| row.get(0))?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

/// SQL for the digits of the attribute, where it is a number.
fn text_of(attribute: &str) -> String {
    let name = attribute.replace('\\', "\\\\").replace('"', "\\\"").replace('\'', "''");
    format!("json_extract(item_json, '$.\"{name}\".N')")
}

/// The key of an item as requests name it.
fn key(table: &TableMetadata, item: &str) -> Result<Value> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Part {
        attribute_name: String,
    }
    let broken = |error: serde_json::Error| DynoxideError::InternalServerError(error.to_string());
    let schema: Vec<Part> = serde_json::from_str(&table.key_schema).map_err(broken)?;
    let mut item: Item = serde_json::from_str(item).map_err(broken)?;
    let parts = schema.into_iter().filter_map(|part| {
        let value = item.remove(&part.attribute_name)?;
        Some(serde_json::to_value(value).map(|value| (part.attribute_name, value)))
    });
    Ok(Value::Object(parts.collect::<std::result::Result<_, _>>().map_err(broken)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_is_found_by_the_index() {
        let storage = Storage::memory().unwrap();
        storage.conn().execute_batch("CREATE TABLE club (pk, sk, item_json)").unwrap();
        assert_eq!(page(&storage, "club", "expires_at_s", 7, PAGE).unwrap(), Vec::<String>::new());
        let text = text_of("expires_at_s");
        let sql = format!(
            "EXPLAIN QUERY PLAN SELECT item_json FROM club WHERE {text} IS NOT NULL
                AND CAST({text} AS INTEGER) >= 0 AND CAST({text} AS INTEGER) < 7"
        );
        let plan: String = storage.conn().query_row(&sql, [], |row| row.get(3)).unwrap();
        assert!(plan.contains("SEARCH") && plan.contains("tamga_ttl_club"), "{plan}");
    }

    #[test]
    fn only_numbers_of_the_past_are_due() {
        let storage = Storage::memory().unwrap();
        storage.conn().execute_batch("CREATE TABLE club (pk, sk, item_json)").unwrap();
        for (pk, value) in [
            ("past", r#"{"N":"6"}"#),
            ("zero", r#"{"N":"0"}"#),
            ("now", r#"{"N":"7"}"#),
            ("before the epoch", r#"{"N":"-6"}"#),
            ("a text", r#"{"S":"6"}"#),
            ("a list", r#"{"L":[{"N":"6"}]}"#),
        ] {
            let item = format!(r#"{{"pk":{{"S":"{pk}"}},"it's \"over\"":{value}}}"#);
            let row = [pk, "", item.as_str()];
            storage.conn().execute("INSERT INTO club VALUES (?1, ?2, ?3)", row).unwrap();
        }
        let due = page(&storage, "club", "it's \"over\"", 7, PAGE).unwrap();
        assert_eq!(due.len(), 2, "{due:?}");
        assert!(due[0].contains("zero") && due[1].contains("past"), "{due:?}");
        assert!(page(&storage, "club", "expires_at_s", 7, PAGE).unwrap().is_empty());
    }
}

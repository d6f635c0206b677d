//! What the runner itself has to remember: the clock, stream checkpoints, schedules, the
//! sandboxes' records. A key and a JSON value each, beside the tables.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension as _};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The runner's memory could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite.
    #[error("state: {0}")]
    Database(#[from] rusqlite::Error),
    /// What is stored cannot be read back.
    #[error("stored state: {0}")]
    Stored(#[from] serde_json::Error),
}

/// The runner's memory; clones share it.
#[derive(Clone)]
pub struct Store {
    connection: Arc<Mutex<Connection>>,
}

impl Store {
    /// Forgets everything when it is dropped.
    ///
    /// # Errors
    /// When SQLite cannot be set up.
    pub fn memory() -> Result<Self, StoreError> {
        Self::over(Connection::open_in_memory()?)
    }

    /// Keeps everything in the file.
    ///
    /// # Errors
    /// When the file cannot be made or read.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::over(Connection::open(path)?)
    }

    fn over(connection: Connection) -> Result<Self, StoreError> {
        // A commit then survives the death of the process without waiting for the disk.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
        )?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value of `key`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StoreError> {
        let connection = self.connection();
        let mut query = connection.prepare_cached("SELECT value FROM state WHERE key = ?1")?;
        let value: Option<String> = query.query_row([key], |row| row.get(0)).optional()?;
        Ok(value.map(|value| serde_json::from_str(&value)).transpose()?)
    }

    /// Sets the value of `key`; it is durable when this returns.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put<T: Serialize>(&self, key: &str, value: &T) -> Result<(), StoreError> {
        let value = serde_json::to_string(value)?;
        let connection = self.connection();
        let mut insert = connection
            .prepare_cached("INSERT OR REPLACE INTO state (key, value) VALUES (?1, ?2)")?;
        insert.execute([key, &value])?;
        Ok(())
    }

    /// The values whose keys begin with `prefix`, in the order of their keys.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn list<T: DeserializeOwned>(&self, prefix: &str) -> Result<Vec<T>, StoreError> {
        let connection = self.connection();
        let mut query = connection.prepare_cached(
            "SELECT value FROM state WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key",
        )?;
        let values = query.query_map([prefix], |row| row.get::<_, String>(0))?;
        values.map(|value| Ok(serde_json::from_str(&value?)?)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_kept_replaced_and_listed_by_prefix() {
        let store = Store::memory().unwrap();
        assert_eq!(store.get::<u32>("a/1").unwrap(), None);
        for (key, value) in [("a/2", 2), ("a/1", 1), ("b/1", 9), ("a/2", 3)] {
            store.put(key, &value).unwrap();
        }
        assert_eq!(store.get::<u32>("a/2").unwrap(), Some(3));
        assert_eq!(store.list::<u32>("a/").unwrap(), [1, 3]);
    }
}

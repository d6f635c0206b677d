//! Errors of the engine's Rust side. Over the protocols errors are answers, as the services'.

/// The engine could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A file or folder.
    #[error("file: {0}")]
    Io(#[from] std::io::Error),
    /// The tables' database.
    #[error("tables: {0}")]
    Tables(#[from] dynoxide::DynoxideError),
    /// The queues' database.
    #[error("queues: {0}")]
    Queues(#[from] QueueError),
    /// The path of a database is not UTF-8, which SQLite needs.
    #[error("path is not UTF-8: {0}")]
    Path(std::path::PathBuf),
}

/// A queue operation was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The protocol's own refusal.
    #[error("{code}: {message}")]
    Refused {
        /// The error's name in the JSON protocol.
        code: &'static str,
        /// The error's name in the older query protocol, which the SDK still matches on.
        query_code: &'static str,
        /// What is wrong, in English.
        message: String,
    },
    /// SQLite.
    #[error("database: {0}")]
    Database(#[from] rusqlite::Error),
    /// What is stored cannot be read back.
    #[error("stored data: {0}")]
    Stored(#[from] serde_json::Error),
}

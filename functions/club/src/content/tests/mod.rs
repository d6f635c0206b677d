//! Content against the embedded engine.

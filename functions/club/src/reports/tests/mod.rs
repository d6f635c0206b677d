//! Weekly reports against the embedded engine.

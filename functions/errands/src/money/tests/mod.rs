//! Balances against the embedded engine.

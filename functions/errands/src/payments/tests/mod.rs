//! Payments against the embedded engine and a world outside that speaks over HTTP.

mod outside;
mod rules;

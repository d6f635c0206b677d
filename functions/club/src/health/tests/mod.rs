//! Readiness, the probe, counters and documents.

mod counting;
mod probing;

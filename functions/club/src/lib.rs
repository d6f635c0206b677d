//! Club.

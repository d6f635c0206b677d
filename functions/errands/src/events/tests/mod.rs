//! The relay and the sweep.

//! Orders before they end: who sees what, what may be written, guards in their order.

mod contacts;
mod duels;
mod editing;
mod races;
mod sight;
mod taking;
mod turns;
mod writing;

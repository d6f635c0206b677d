//! The club's community when something breaks: energies, teams, the shop, reports, courses, streams
//! and ratings in a storm, with every function that changes them dying at its calls, and with each
//! guarantee dropped on purpose.

mod crash;
pub mod invariants;
mod messages;
mod ratings;
mod sabotage;
mod storm;
mod walks;

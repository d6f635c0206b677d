//! What clients say of the executors of their orders, and complaints.
//!
//! A review is a client's of one executor of one order, a complaint an executor's about the client
//! of one; either is unique by its key and never changed. It commits with what it moves: the
//! executor's stars and, where it is the order's first, what the order shows; or the client's
//! count of complaints.
//!
//! How many there are is known with every page: of those about somebody by that record, which
//! changes with the review; of all and of those by somebody by counters that follow it once, from
//! the event that the review's id carries.
//!
//! Everybody reads the reviews of all executors, newest first; who wrote them is shown by first
//! name alone.

mod api;
mod items;
mod list;
mod model;
mod submit;
#[cfg(test)]
mod tests;

pub use api::{check, complain, functions, list, review};
pub use items::{Complaint, GivenId, Review};
pub use model::{RATINGS, Reason};

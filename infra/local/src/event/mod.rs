//! The JSON that AWS delivers to functions, and what it reads from their answers.

pub mod http;
mod source;

pub use source::{Failed, batch_failures, given_up, instant, queue, schedule, stream};

//! The common crate of every Tamga service: everything that is not about one service.
//!
//! In reading order:
//! - [`function`]: a Lambda function, declared once, run by Lambda and by the local stack alike;
//! - [`http`]: the one choke point of every endpoint, its extractors and answers;
//! - [`problem`]: errors on the wire; [`clock`], [`ids`], [`money`]: the values rules get;
//! - [`table`]: typed items, pages and transactions over DynamoDB, with the [`meter`] that prices
//!   every call;
//! - [`idempotency`], [`ledger`], [`outbox`], [`lease`]: what commits together with an effect;
//! - [`queue`], [`stream`]: what is delivered at least once; [`retry`]: what may be tried again;
//! - [`session`], [`telegram`]: who calls; [`limit`]: how often; [`cache`]: what need not be sent;
//! - [`settings`], [`aws`], [`outbound`], [`telemetry`], [`health`]: what a process is given.

pub mod aws;
pub mod cache;
pub mod clock;
pub mod counters;
pub mod function;
pub mod health;
pub mod http;
pub mod idempotency;
pub mod ids;
pub mod lease;
pub mod ledger;
pub mod limit;
pub mod meter;
pub mod money;
pub mod openapi;
pub mod outbound;
pub mod outbox;
pub mod problem;
pub mod queue;
pub mod retry;
pub mod session;
pub mod settings;
pub mod stream;
pub mod table;
pub mod telegram;
pub mod telemetry;

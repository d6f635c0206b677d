//! The deployed templates on one machine, with nothing installed but Rust: `cargo local`.
//!
//! In reading order:
//! - [`template`]: reads `infra/*.yaml` and says what they name;
//! - [`Options`], [`Stack`], [`Running`]: a stack is started, used, stopped; many may run in one
//!   process;
//! - `front`: HTTP; `/<service>/…` becomes the event of API Gateway, [`route`] says for whom,
//!   [`event`] has the events of all triggers;
//! - [`invoke`]: functions inside this process or as their real binaries;
//! - `conduct`: queues, streams, schedules and the expiry of items, by the one movable clock;
//! - `desk`: `/_local`, the control desk; `sandbox`: where the outside world would be;
//! - [`newcomer`]: what a new club begins with.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use local::{Options, Stack};
//!
//! let options = Options::memory().frozen_at("2026-01-31T12:00:00Z".parse()?);
//! let stack = Stack::start(options).await?;
//! println!("{}/health", stack.api("club"));
//! stack.stop().await;
//! # Ok(())
//! # }
//! ```

mod alone;
pub mod cli;
mod conduct;
mod desk;
mod environment;
pub mod event;
pub mod expression;
pub mod filter;
mod front;
pub mod invoke;
pub mod logs;
pub mod newcomer;
mod options;
pub mod out;
mod reply;
mod resources;
pub mod route;
mod sandbox;
mod secrets;
mod serve;
mod stack;
pub mod store;
pub mod template;
#[cfg(test)]
mod testing;

pub use alone::Alone;
pub use conduct::{
    CatchUp, ClockAnswer, ClockError, Move, RestoreError, StartError as ConductError,
};
pub use options::{Mode, Options, Storage, default_template, linked, services};
pub use secrets::Secrets;
pub use stack::{Running, Stack, StartError};

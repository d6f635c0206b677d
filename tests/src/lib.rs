//! What the black-box tests stand on: a world with the whole system in it, people who use it over
//! HTTP, and a desk to move its clock and break its surroundings.
//!
//! By default each world starts the system in this process, in memory, on ports of its own.
//! `TAMGA_MODE=process` starts the real binaries instead. `TAMGA_CLUB_URL` names a system that is
//! deployed elsewhere: it has neither clock nor faults, so only the tests that need neither run
//! (`cargo test -p tests --test core`).
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail where they stand, like tests"
)]

mod cost;
mod desk;
mod http;
mod init_data;
pub mod items;
mod jwt;
mod onboarding;
mod person;
mod routes;
mod stack;
mod user;
mod world;

pub use cost::Table;
pub use desk::{Invocation, Webhook};
pub use http::{Answer, Call, Cost, SetCookie};
pub use init_data::{InitData, hex, hmac, percent_encoded};
pub use jwt::{forged, payload};
pub use onboarding::is_of_onboarding;
pub use person::{Person, job};
pub use routes::{Access, ROUTES, Route};
pub use user::{GIFT, MONTH, Member, User};
pub use world::{ORIGIN, START, World, at_once};

/// The initData of the contract's published test vector.
pub const VECTOR: &str = "auth_date=1768900000&query_id=AAE_TEST&start_param=utm_src_med_camp&user=%7B%22id%22%3A1000000001%2C%22first_name%22%3A%22Test%22%2C%22username%22%3A%22test_user%22%2C%22language_code%22%3A%22ru%22%7D&hash=e1401a609bec6c66a729d6e79b6b27060153eef301d9b5ab64909c547d32ff5a";
/// The bot token of the published test vector.
pub const VECTOR_TOKEN: &str = "1000000001:SYNTHETIC-TEST-TOKEN-NOT-REAL";

/// A world whose clock and surroundings can be moved, with settings of its own. Leaves the test,
/// saying so, where the system is deployed elsewhere.
///
/// ```ignore
/// let world = local!("RATE_AUTH" => "1000/60");
/// ```
#[macro_export]
macro_rules! local {
    ($($name:literal => $value:expr),* $(,)?) => {
        match $crate::World::local(&[$(($name, $value)),*]).await {
            Some(world) => world,
            None => return,
        }
    };
}

/// A world of errands as [`local!`] makes one of the club.
#[macro_export]
macro_rules! errands {
    ($($name:literal => $value:expr),* $(,)?) => {
        match $crate::World::errands(&[$(($name, $value)),*]).await {
            Some(world) => world,
            None => return,
        }
    };
}

//! The same of errands: what must hold when something breaks.

mod crash;
mod invariants;
mod people;
mod permissions;
mod properties;
mod sabotage;
mod secrets;
mod sigkill;
pub mod storm;
mod walks;

use invariants::{unsettled, violations};

use crate::bench::Bench;

/// What is checked everywhere would be worth nothing if it found nothing to check.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_table_is_in_order() {
    let bench = Bench::errands().await;
    assert_eq!(violations(&bench).await, Vec::<String>::new());
    assert_eq!(unsettled(&bench).await, Vec::<String>::new());
}

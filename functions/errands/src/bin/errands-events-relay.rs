//! Counts, notifies and starts timers after a commit.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::events::relay())
}

//! Counts, notifies and starts timers after a commit.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::events::relay())
}

//! Passes committed outbox rows to the queue.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::outbox::relay())
}

//! Passes committed outbox rows to the queue.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::outbox::relay())
}

//! Finds outbox rows that were never sent.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::outbox::sweep())
}

//! Finds outbox rows that were never sent.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::outbox::sweep())
}

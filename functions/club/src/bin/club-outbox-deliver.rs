//! Sends what the outbox says.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::outbox::deliver())
}

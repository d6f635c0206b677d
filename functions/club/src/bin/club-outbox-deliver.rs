//! Sends what the outbox says.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::outbox::deliver())
}

//! Answers pre-checkout queries and has the queue keep all other updates.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::bot::webhook())
}

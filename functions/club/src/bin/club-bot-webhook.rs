//! Answers pre-checkout queries and has the queue keep all other updates.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::bot::webhook())
}

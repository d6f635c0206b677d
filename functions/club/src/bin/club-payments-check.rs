//! The queue of delayed payment checks.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::payments::check())
}

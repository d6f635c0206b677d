//! The queue of delayed payment checks.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::payments::check())
}

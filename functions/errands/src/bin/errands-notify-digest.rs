//! Tells a user of the orders that came while they were cooling down.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::notify::digest())
}

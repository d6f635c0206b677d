//! Tells a user of the orders that came while they were cooling down.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::notify::digest())
}

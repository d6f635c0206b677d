//! Withdraws an order that nobody has taken.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::orders::delete())
}

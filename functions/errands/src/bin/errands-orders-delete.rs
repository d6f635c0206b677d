//! Withdraws an order that nobody has taken.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::orders::delete())
}

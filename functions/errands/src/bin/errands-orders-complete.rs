//! Ends an order that was done.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::orders::complete())
}

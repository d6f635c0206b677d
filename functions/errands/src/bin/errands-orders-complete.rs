//! Ends an order that was done.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::orders::complete())
}

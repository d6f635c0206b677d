//! Sells the contact of an order to an executor.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::orders::take())
}

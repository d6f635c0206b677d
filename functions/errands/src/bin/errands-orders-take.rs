//! Sells the contact of an order to an executor.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::orders::take())
}

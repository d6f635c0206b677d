//! Closes an order whose client has not answered in time.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::orders::deadline())
}

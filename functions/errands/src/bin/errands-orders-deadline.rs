//! Closes an order whose client has not answered in time.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::orders::deadline())
}

//! Ends an order, and refunds executors who were not answered.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::orders::close())
}

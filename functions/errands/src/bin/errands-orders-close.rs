//! Ends an order, and refunds executors who were not answered.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::orders::close())
}

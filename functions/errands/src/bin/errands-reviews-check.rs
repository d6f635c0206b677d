//! Answers what the caller has said of an order.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::reviews::check())
}

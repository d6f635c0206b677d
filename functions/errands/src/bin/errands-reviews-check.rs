//! Answers what the caller has said of an order.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::reviews::check())
}

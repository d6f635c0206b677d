//! Posts an order.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::orders::create())
}

//! Posts an order.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::orders::create())
}

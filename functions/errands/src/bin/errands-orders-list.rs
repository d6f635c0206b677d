//! Lists orders, newest first.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::orders::list())
}

//! Lists orders, newest first.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::orders::list())
}

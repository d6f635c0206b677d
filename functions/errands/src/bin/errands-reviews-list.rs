//! Lists reviews, newest first.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::reviews::list())
}

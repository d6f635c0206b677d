//! Lists reviews, newest first.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::reviews::list())
}

//! Answers the caller's own figures.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::users::me())
}

//! Answers the caller's own figures.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::users::me())
}

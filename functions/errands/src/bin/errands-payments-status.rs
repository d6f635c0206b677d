//! Answers where one of the caller's payments stands.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::payments::status())
}

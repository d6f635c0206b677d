//! Answers where one of the caller's payments stands.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::payments::status())
}

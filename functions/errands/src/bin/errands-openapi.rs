//! Answers the OpenAPI document.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::system::openapi())
}

//! Answers the OpenAPI document.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::system::openapi())
}

//! The OpenAPI document.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::health::openapi())
}

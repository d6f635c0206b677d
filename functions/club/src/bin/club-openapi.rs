//! The OpenAPI document.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::health::openapi())
}

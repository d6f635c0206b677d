//! What no route matches.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::health::fallback())
}

//! What no route matches.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::health::fallback())
}

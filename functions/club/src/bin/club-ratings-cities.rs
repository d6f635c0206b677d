//! The published rating of cities.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::ratings::cities())
}

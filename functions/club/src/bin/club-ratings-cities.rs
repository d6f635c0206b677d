//! The published rating of cities.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::ratings::cities())
}

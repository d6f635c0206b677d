//! The published rating of teams.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::ratings::teams())
}

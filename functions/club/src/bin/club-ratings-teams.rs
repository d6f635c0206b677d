//! The published rating of teams.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::ratings::teams())
}

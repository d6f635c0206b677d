//! The published rating of experience.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::ratings::leaderboard())
}

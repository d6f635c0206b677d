//! The published rating of experience.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::ratings::leaderboard())
}

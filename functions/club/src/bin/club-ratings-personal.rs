//! The published rating of members.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::ratings::personal())
}

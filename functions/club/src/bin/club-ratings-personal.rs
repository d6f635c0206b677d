//! The published rating of members.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::ratings::personal())
}

//! The member's places in all ratings.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::ratings::user_position())
}

//! The member's places in all ratings.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::ratings::user_position())
}

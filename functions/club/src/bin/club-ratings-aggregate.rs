//! Keeps each member's contribution to the ratings.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::ratings::aggregate())
}

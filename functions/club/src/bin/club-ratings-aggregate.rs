//! Keeps each member's contribution to the ratings.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::ratings::aggregate())
}

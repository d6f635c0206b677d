//! Publishes a new generation of all ratings.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::ratings::publish())
}

//! Publishes a new generation of all ratings.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::ratings::publish())
}

//! Does all that the service depends on answer?

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::health::ready())
}

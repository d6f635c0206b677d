//! Does all that the service depends on answer?

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::health::ready())
}

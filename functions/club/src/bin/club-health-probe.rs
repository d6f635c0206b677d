//! Looks at everything, each five minutes.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::health::probe())
}

//! Looks at everything, each five minutes.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::health::probe())
}

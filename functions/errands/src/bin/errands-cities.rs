//! Lists towns.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::cities::search())
}

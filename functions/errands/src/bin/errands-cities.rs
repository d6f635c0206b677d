//! Lists towns.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::cities::search())
}

//! Lists what changed the caller's balance.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::money::transactions())
}

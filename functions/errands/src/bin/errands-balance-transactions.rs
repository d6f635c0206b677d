//! Lists what changed the caller's balance.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::money::transactions())
}

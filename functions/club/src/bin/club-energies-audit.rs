//! Checks every account against its entries.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::energies::audit())
}

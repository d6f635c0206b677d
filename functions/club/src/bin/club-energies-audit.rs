//! Checks every account against its entries.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::energies::audit())
}

//! The member's energies.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::energies::balance())
}

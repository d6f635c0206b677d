//! The member's energies.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::energies::balance())
}

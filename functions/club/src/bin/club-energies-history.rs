//! The member's energies as they came and went.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::energies::history())
}

//! The member's energies as they came and went.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::energies::history())
}

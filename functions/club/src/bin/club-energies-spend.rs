//! `POST /api/v1/energies/spend`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::energies::spend_by_hand())
}

//! `POST /api/v1/energies/award`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::energies::award_by_hand())
}

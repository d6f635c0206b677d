//! `POST /api/v1/energies/award`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::energies::award_by_hand())
}

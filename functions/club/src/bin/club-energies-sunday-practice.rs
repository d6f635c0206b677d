//! `POST /api/v1/energies/triggers/sunday-practice`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::energies::sunday_practice())
}

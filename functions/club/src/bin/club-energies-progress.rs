//! `GET /api/v1/energies/weekly-progress`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::energies::weekly_progress())
}

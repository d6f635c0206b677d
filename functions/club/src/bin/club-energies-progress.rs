//! `GET /api/v1/energies/weekly-progress`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::energies::weekly_progress())
}

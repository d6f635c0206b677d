//! `POST /api/v1/energies/triggers/lesson-view`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::energies::lesson_view())
}

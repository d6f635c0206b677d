//! `POST /api/v1/energies/triggers/lesson-view`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::energies::lesson_view())
}

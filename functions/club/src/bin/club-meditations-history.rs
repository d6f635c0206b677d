//! `GET /api/v1/meditations/history/list`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::content::meditation_history())
}

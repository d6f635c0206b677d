//! `GET /api/v1/meditations/history/list`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::content::meditation_history())
}

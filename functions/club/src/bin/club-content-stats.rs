//! `GET /api/v1/content/progress/stats`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::content::watch_stats())
}

//! `GET /api/v1/content/progress/stats`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::content::watch_stats())
}

//! `GET /api/v1/meditations/stats/summary`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::content::meditation_stats())
}

//! `GET /api/v1/meditations/stats/summary`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::content::meditation_stats())
}

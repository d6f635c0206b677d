//! `GET /api/reports/stats/global`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::reports::global_stats())
}

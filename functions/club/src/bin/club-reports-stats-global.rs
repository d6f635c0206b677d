//! `GET /api/reports/stats/global`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::reports::global_stats())
}

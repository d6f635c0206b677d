//! `GET /api/reports/stats/my`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::reports::stats("club-reports-stats-my", "/api/reports/stats/my"))
}

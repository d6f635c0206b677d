//! `GET /api/reports/stats`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::reports::stats("club-reports-stats", "/api/reports/stats"))
}

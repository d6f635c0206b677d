//! `GET /api/reports/my`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::reports::list("club-reports-my", "/api/reports/my"))
}

//! `GET /api/reports/my`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::reports::list("club-reports-my", "/api/reports/my"))
}

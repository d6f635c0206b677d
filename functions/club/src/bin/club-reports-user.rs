//! `GET /api/reports/user`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::reports::list("club-reports-user", "/api/reports/user"))
}

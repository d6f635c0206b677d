//! `GET /api/v1/decades/admin/reports`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::teams::admin_reports())
}

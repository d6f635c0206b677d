//! `GET /api/v1/decades/admin/stats`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::teams::admin_stats())
}

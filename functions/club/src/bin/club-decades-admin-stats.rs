//! `GET /api/v1/decades/admin/stats`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::teams::admin_stats())
}

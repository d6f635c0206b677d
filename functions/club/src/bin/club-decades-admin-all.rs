//! `GET /api/v1/decades/admin/all`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::teams::admin_all())
}

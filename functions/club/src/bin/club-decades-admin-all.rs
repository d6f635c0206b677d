//! `GET /api/v1/decades/admin/all`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::teams::admin_all())
}

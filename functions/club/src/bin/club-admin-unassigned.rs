//! `GET /api/admin/unassigned-payments`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::admin::unassigned())
}

//! `GET /api/admin/unassigned-payments`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::admin::unassigned())
}

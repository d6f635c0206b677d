//! `POST /api/admin/unassigned-payments/{id}/assign`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::admin::assign())
}

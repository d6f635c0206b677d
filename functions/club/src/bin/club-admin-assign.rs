//! `POST /api/admin/unassigned-payments/{id}/assign`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::admin::assign())
}

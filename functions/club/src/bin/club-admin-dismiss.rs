//! `POST /api/admin/unassigned-payments/{id}/dismiss`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::admin::dismiss())
}

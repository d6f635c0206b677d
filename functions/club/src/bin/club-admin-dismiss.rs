//! `POST /api/admin/unassigned-payments/{id}/dismiss`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::admin::dismiss())
}

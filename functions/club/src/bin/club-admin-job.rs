//! `POST /api/admin/jobs/{name}`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::admin::run())
}

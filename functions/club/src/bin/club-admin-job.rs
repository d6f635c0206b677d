//! `POST /api/admin/jobs/{name}`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::admin::run())
}

//! `POST /api/admin/ratings/refresh`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::admin::refresh())
}

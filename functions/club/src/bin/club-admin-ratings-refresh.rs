//! `POST /api/admin/ratings/refresh`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::admin::refresh())
}

//! `POST /api/admin/grant-subscription`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::admin::grant())
}

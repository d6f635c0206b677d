//! `POST /api/admin/grant-subscription`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::admin::grant())
}

//! `POST /api/admin/revoke-subscription`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::admin::revoke())
}

//! `POST /api/admin/revoke-subscription`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::admin::revoke())
}

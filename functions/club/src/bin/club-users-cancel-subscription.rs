//! `POST /api/v1/users/cancel-subscription`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::payments::users_cancel())
}

//! `POST /api/v1/users/cancel-subscription`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::payments::users_cancel())
}

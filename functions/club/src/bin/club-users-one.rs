//! `GET /api/v1/users/{id}`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::auth::user())
}

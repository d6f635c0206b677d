//! `GET /api/v1/users/{id}`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::auth::user())
}

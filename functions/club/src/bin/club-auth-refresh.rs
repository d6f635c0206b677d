//! Exchanges a refresh token for new tokens.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::auth::refresh())
}

//! Exchanges a refresh token for new tokens.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::auth::refresh())
}

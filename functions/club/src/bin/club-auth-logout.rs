//! Revokes the tokens of a sign-in.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::auth::log_out())
}

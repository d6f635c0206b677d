//! Revokes the tokens of a sign-in.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::auth::log_out())
}

//! The caller's profile.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::auth::me("club-auth-me", "/api/v1/auth/me"))
}

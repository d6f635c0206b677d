//! The caller's profile.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::auth::me("club-users-me", "/api/v1/users/me"))
}

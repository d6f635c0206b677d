//! The caller's profile.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::auth::me("club-users-me", "/api/v1/users/me"))
}

//! Changes the caller's profile.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::auth::update())
}

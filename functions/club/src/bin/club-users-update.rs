//! Changes the caller's profile.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::auth::update())
}

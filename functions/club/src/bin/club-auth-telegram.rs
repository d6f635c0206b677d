//! Signs in with the launch data of the mini-app.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::auth::sign_in())
}

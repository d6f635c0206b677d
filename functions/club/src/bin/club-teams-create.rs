//! `POST /api/teams`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::teams::create())
}

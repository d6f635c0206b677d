//! `POST /api/teams/{id}/join`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::teams::join())
}

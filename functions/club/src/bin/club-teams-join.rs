//! `POST /api/teams/{id}/join`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::teams::join())
}

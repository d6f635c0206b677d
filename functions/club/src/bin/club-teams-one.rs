//! `GET /api/teams/{id}`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::teams::one())
}

//! `GET /api/teams/{id}`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::teams::one())
}

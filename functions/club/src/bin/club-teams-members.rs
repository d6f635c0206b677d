//! `GET /api/teams/{id}/members`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::teams::members())
}

//! `GET /api/teams/{id}/members`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::teams::members())
}

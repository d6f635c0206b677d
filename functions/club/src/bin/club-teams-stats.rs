//! `GET /api/teams/stats`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::teams::stats())
}

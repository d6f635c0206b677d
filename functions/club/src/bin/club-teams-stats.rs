//! `GET /api/teams/stats`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::teams::stats())
}

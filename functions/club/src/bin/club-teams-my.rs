//! `GET /api/teams/my`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::teams::my())
}

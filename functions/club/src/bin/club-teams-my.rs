//! `GET /api/teams/my`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::teams::my())
}

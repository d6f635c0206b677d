//! `GET /api/teams`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::teams::list())
}

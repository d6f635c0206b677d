//! `POST /api/teams/leave`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::teams::leave())
}

//! `POST /api/teams/leave`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::teams::leave())
}

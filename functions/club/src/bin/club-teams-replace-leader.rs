//! `POST /api/teams/{id}/replace-leader`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::teams::replace_leader())
}

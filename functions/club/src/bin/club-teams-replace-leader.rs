//! `POST /api/teams/{id}/replace-leader`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::teams::replace_leader())
}

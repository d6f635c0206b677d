//! `POST /api/teams/distribute`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::teams::distribute())
}

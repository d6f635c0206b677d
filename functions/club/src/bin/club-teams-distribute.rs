//! `POST /api/teams/distribute`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::teams::distribute())
}

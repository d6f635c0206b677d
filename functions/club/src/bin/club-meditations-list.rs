//! `GET /api/v1/meditations`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::content::meditations())
}

//! `GET /api/v1/meditations`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::content::meditations())
}

//! `GET /api/v1/content/items`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::content::items())
}

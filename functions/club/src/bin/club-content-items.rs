//! `GET /api/v1/content/items`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::content::items())
}

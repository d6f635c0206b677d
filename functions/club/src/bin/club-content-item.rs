//! `GET /api/v1/content/items/{id}`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::content::item())
}

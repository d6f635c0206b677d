//! `GET /api/v1/content/items/{id}`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::content::item())
}

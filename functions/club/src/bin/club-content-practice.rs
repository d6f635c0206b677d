//! `GET /api/v1/content/practices/{id}/content`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::content::practice())
}

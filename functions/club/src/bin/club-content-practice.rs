//! `GET /api/v1/content/practices/{id}/content`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::content::practice())
}

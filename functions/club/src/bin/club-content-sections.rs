//! `GET /api/v1/content/{itemId}/sections`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::content::sections())
}

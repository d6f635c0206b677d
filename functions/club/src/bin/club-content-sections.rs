//! `GET /api/v1/content/{itemId}/sections`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::content::sections())
}

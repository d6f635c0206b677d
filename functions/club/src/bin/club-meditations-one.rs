//! `GET /api/v1/meditations/{id}`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::content::meditation())
}

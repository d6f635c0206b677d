//! `GET /api/v1/meditations/{id}`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::content::meditation())
}

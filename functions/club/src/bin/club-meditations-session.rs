//! `POST /api/v1/meditations/{id}/session`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::content::meditation_session())
}

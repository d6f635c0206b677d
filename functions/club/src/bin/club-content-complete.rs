//! `POST /api/v1/content/progress/complete`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::content::complete())
}

//! `POST /api/v1/content/progress/complete`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::content::complete())
}

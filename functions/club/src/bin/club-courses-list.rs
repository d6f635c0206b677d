//! `GET /api/v1/courses`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::content::courses())
}

//! `GET /api/v1/courses`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::content::courses())
}

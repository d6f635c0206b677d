//! `GET /api/v1/courses/favorites/list`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::content::favorite_courses())
}

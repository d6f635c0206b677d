//! `GET /api/v1/courses/favorites/list`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::content::favorite_courses())
}

//! `POST /api/v1/courses/{id}/favorite`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::content::course_favorite())
}

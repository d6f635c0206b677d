//! `POST /api/v1/courses/{id}/favorite`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::content::course_favorite())
}

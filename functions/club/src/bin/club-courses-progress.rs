//! `POST /api/v1/courses/{id}/progress`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::content::course_progress())
}

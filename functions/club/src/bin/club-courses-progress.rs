//! `POST /api/v1/courses/{id}/progress`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::content::course_progress())
}

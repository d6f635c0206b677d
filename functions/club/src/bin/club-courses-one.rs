//! `GET /api/v1/courses/{id}`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::content::course())
}

//! `GET /api/v1/courses/{id}`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::content::course())
}

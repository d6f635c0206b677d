//! `GET /api/v1/content/videos/{id}`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::content::video())
}

//! `GET /api/v1/content/videos/{id}`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::content::video())
}

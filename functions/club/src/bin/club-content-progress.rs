//! `GET /api/v1/content/progress`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::content::watched())
}

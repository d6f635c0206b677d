//! `GET /api/v1/content/progress`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::content::watched())
}

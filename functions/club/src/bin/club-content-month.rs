//! `GET /api/v1/content/month-program`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::content::month_program())
}

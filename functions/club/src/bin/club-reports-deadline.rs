//! `GET /api/reports/deadline`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::reports::deadline())
}

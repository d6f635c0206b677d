//! `GET /api/reports/deadline`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::reports::deadline())
}

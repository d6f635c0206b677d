//! `GET /api/reports/current`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::reports::current())
}

//! `GET /api/reports/current`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::reports::current())
}

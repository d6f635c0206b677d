//! `GET /api/reports/week`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::reports::week())
}

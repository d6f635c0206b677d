//! `GET /api/reports/week`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::reports::week())
}

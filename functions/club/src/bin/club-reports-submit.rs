//! `POST /api/reports/submit`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::reports::submit())
}

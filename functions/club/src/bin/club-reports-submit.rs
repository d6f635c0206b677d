//! `POST /api/reports/submit`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::reports::submit())
}

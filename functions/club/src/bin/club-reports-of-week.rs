//! `GET /api/reports/week/{n}`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::reports::of_week())
}

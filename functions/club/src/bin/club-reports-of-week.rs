//! `GET /api/reports/week/{n}`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::reports::of_week())
}

//! `POST /api/v1/decades/report-status`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::teams::report_status())
}

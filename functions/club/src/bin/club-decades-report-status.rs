//! `POST /api/v1/decades/report-status`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::teams::report_status())
}

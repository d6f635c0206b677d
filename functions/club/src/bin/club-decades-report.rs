//! `POST /api/v1/decades/report`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::teams::report())
}

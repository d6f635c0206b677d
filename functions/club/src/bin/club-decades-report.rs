//! `POST /api/v1/decades/report`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::teams::report())
}

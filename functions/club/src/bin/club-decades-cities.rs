//! `POST /api/v1/decades/cities`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::teams::cities())
}

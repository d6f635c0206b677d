//! `POST /api/v1/decades/cities`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::teams::cities())
}

//! `GET /api/streams/{id}`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::streams::one())
}

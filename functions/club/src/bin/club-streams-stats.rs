//! `GET /api/streams/{id}/stats`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::streams::stats())
}

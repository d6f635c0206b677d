//! `GET /api/streams/{id}/stats`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::streams::stats())
}

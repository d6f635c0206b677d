//! `GET /api/streams/{id}`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::streams::one())
}

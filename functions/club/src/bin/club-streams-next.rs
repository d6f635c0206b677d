//! `GET /api/streams/next`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::streams::next())
}

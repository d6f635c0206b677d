//! `GET /api/streams/next`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::streams::next())
}

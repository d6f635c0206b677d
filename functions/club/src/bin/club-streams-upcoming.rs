//! `GET /api/streams/upcoming`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::streams::upcoming())
}

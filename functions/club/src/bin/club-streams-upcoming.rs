//! `GET /api/streams/upcoming`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::streams::upcoming())
}

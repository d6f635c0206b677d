//! `GET /api/streams/attendance`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::streams::of_one())
}

//! `GET /api/streams/attendance`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::streams::of_one())
}

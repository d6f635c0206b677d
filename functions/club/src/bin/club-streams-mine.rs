//! `GET /api/streams/attendance/my`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::streams::mine())
}

//! `GET /api/streams/attendance/my`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::streams::mine())
}

//! `GET /api/streams/attendance/stats`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::streams::totals())
}

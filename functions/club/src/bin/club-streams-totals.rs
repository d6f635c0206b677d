//! `GET /api/streams/attendance/stats`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::streams::totals())
}

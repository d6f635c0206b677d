//! `POST /api/streams/attendance`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::streams::attend_named())
}

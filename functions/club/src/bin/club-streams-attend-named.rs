//! `POST /api/streams/attendance`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::streams::attend_named())
}

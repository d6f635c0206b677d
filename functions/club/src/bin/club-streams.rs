//! `GET /api/streams`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::streams::list())
}

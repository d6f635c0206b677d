//! `GET /api/streams`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::streams::list())
}

//! `POST /api/streams/{id}/attend`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::streams::attend())
}

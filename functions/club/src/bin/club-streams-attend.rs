//! `POST /api/streams/{id}/attend`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::streams::attend())
}

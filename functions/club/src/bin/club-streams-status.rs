//! `PATCH /api/streams/{id}/status`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::streams::set_status())
}

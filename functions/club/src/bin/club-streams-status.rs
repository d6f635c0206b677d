//! `PATCH /api/streams/{id}/status`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::streams::set_status())
}

//! `GET /api/v1/content/sections/{id}/videos`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::content::section_videos())
}

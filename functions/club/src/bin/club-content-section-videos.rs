//! `GET /api/v1/content/sections/{id}/videos`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::content::section_videos())
}

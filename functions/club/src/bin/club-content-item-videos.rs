//! `GET /api/v1/content/{itemId}/videos`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::content::item_videos())
}

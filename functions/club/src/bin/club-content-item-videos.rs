//! `GET /api/v1/content/{itemId}/videos`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::content::item_videos())
}

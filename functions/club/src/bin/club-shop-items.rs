//! `GET /api/v1/shop/items`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::shop::items())
}

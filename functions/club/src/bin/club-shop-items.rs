//! `GET /api/v1/shop/items`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::shop::items())
}

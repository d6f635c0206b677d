//! `GET /api/v1/shop/items/by-category`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::shop::by_category())
}

//! `GET /api/v1/shop/items/{id}`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::shop::item())
}

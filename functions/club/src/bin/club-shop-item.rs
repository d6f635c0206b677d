//! `GET /api/v1/shop/items/{id}`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::shop::item())
}

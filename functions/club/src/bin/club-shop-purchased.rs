//! `GET /api/v1/shop/purchased/{itemId}`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::shop::purchased())
}

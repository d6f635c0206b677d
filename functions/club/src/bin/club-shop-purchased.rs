//! `GET /api/v1/shop/purchased/{itemId}`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::shop::purchased())
}

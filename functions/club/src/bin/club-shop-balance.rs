//! `GET /api/v1/shop/balance`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::shop::balance())
}

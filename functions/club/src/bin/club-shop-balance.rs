//! `GET /api/v1/shop/balance`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::shop::balance())
}

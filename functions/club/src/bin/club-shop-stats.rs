//! `GET /api/v1/shop/stats`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::shop::stats())
}

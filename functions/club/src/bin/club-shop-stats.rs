//! `GET /api/v1/shop/stats`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::shop::stats())
}

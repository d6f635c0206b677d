//! `GET /api/v1/shop/purchases/unused`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::shop::unused())
}

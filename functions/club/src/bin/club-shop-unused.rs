//! `GET /api/v1/shop/purchases/unused`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::shop::unused())
}

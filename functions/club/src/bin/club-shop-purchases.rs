//! `GET /api/v1/shop/purchases`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::shop::purchases())
}

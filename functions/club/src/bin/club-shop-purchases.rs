//! `GET /api/v1/shop/purchases`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::shop::purchases())
}

//! `POST /api/v1/shop/purchase`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::shop::purchase())
}

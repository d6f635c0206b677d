//! `POST /api/v1/shop/purchase`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::shop::purchase())
}

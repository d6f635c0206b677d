//! `POST /api/v1/shop/purchases/{id}/use`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::shop::use_purchase())
}

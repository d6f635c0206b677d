//! `POST /api/admin/shop/items/{id}/draw`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::shop::draw())
}

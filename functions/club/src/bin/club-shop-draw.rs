//! `POST /api/admin/shop/items/{id}/draw`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::shop::draw())
}

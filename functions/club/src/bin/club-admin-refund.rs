//! `POST /api/admin/payments/{id}/refund`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::admin::refund())
}

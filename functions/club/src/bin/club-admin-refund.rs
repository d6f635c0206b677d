//! `POST /api/admin/payments/{id}/refund`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::admin::refund())
}

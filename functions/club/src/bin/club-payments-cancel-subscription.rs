//! `POST /api/payments/cancel-subscription`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::payments::payments_cancel())
}

//! `POST /api/payments/cancel-subscription`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::payments::payments_cancel())
}

//! `POST /api/webhooks/cloudpayments/cancel`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::payments::cloudpayments::cancel())
}

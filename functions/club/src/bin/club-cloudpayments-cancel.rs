//! `POST /api/webhooks/cloudpayments/cancel`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::payments::cloudpayments::cancel())
}

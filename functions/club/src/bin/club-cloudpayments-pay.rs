//! `POST /api/webhooks/cloudpayments/pay`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::payments::cloudpayments::pay())
}

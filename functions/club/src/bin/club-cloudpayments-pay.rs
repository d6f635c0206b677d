//! `POST /api/webhooks/cloudpayments/pay`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::payments::cloudpayments::pay())
}

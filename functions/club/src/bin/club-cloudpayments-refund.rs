//! `POST /api/webhooks/cloudpayments/refund`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::payments::cloudpayments::refund())
}

//! `POST /api/webhooks/cloudpayments/refund`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::payments::cloudpayments::refund())
}

//! `POST /api/webhooks/cloudpayments/fail`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::payments::cloudpayments::fail())
}

//! `POST /api/webhooks/cloudpayments/fail`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::payments::cloudpayments::fail())
}

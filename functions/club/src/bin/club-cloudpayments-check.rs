//! `POST /api/webhooks/cloudpayments/check`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::payments::cloudpayments::check())
}

//! `POST /api/webhooks/cloudpayments/check`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::payments::cloudpayments::check())
}

//! `POST /api/webhooks/cloudpayments/recurrent`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::payments::cloudpayments::recurrent())
}

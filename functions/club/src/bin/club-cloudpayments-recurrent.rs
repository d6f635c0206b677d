//! `POST /api/webhooks/cloudpayments/recurrent`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::payments::cloudpayments::recurrent())
}

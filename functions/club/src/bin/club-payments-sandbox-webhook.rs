//! `POST /api/webhooks/sandbox/payment`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::payments::sandbox_webhook())
}

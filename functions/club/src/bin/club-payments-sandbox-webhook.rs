//! `POST /api/webhooks/sandbox/payment`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::payments::sandbox_webhook())
}

//! `POST /api/webhooks/lavatop/payment`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::payments::lavatop_payment())
}

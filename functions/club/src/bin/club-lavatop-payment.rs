//! `POST /api/webhooks/lavatop/payment`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::payments::lavatop_payment())
}

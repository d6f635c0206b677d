//! `POST /api/webhooks/lavatop/recurring`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::payments::lavatop_recurring())
}

//! `POST /api/webhooks/lavatop/recurring`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::payments::lavatop_recurring())
}

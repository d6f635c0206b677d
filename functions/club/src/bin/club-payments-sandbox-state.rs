//! `POST /api/payments/sandbox/{attempt_id}/state`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::payments::sandbox_state())
}

//! `POST /api/payments/sandbox/{attempt_id}/state`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::payments::sandbox_state())
}

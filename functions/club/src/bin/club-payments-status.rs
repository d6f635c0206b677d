//! `GET /api/payments/status`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::payments::status())
}

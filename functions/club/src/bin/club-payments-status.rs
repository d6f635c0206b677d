//! `GET /api/payments/status`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::payments::status())
}

//! `GET /api/payments/detect-provider`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::payments::detect_provider())
}

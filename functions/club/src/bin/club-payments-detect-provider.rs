//! `GET /api/payments/detect-provider`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::payments::detect_provider())
}

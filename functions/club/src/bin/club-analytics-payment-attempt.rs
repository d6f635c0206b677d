//! `POST /api/analytics/payment-attempt`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::analytics::payment_attempt())
}

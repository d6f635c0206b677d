//! `POST /api/analytics/payment-attempt`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::analytics::payment_attempt())
}

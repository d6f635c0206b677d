//! `POST /api/analytics/payment-success`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::analytics::payment_success())
}

//! `POST /api/analytics/payment-success`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::analytics::payment_success())
}

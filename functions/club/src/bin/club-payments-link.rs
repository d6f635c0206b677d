//! `POST /api/payments/generate-link`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::payments::link())
}

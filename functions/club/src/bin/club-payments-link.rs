//! `POST /api/payments/generate-link`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::payments::link())
}

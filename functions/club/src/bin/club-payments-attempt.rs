//! `GET /api/payments/attempts/{id}`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::payments::attempt())
}

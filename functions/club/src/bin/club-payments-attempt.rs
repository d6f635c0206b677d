//! `GET /api/payments/attempts/{id}`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::payments::attempt())
}

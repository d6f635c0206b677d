//! `POST /api/payments/generate-link-support`.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::payments::support_link())
}

//! `POST /api/payments/generate-link-support`.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::payments::support_link())
}

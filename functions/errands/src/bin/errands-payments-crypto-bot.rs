//! Takes Crypto Bot's word that an invoice was paid.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::payments::crypto_bot())
}

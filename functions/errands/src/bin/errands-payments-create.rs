//! Makes an invoice and answers its links.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::payments::create())
}

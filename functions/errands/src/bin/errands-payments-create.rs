//! Makes an invoice and answers its links.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::payments::create())
}

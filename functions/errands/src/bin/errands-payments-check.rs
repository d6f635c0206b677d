//! Asks a provider what became of a payment, and asks again later.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::payments::check())
}

//! Asks a provider what became of a payment, and asks again later.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::payments::check())
}

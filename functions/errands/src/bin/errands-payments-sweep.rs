//! Asks about payments that nobody asked about, and ends those whose time is over.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::payments::sweep())
}

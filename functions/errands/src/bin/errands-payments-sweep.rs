//! Asks about payments that nobody asked about, and ends those whose time is over.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::payments::sweep())
}

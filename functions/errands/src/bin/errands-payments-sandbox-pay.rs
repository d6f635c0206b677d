//! Pays an invoice of the sandbox, in test stages.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::payments::sandbox_pay())
}

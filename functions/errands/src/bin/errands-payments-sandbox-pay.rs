//! Pays an invoice of the sandbox, in test stages.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::payments::sandbox_pay())
}

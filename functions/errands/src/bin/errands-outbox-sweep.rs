//! Finds events and notices that were left behind.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::events::sweep())
}

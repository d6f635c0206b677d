//! Finds events and notices that were left behind.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::events::sweep())
}

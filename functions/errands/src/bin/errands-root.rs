//! Says what this is.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::system::root())
}

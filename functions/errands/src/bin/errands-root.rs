//! Says what this is.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::system::root())
}

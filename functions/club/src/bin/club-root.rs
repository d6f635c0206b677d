//! What this is, and where it is described.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::health::root())
}

//! What this is, and where it is described.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::health::root())
}

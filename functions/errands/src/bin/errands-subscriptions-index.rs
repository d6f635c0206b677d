//! Keeps the index of subscribers as their settings have it.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::notify::index())
}

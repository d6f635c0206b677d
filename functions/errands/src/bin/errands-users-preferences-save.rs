//! Replaces which orders the caller wants to hear of.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::users::save_preferences())
}

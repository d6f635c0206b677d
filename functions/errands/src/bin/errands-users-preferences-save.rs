//! Replaces which orders the caller wants to hear of.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::users::save_preferences())
}

//! Changes whether and how often the caller wants to be told.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::users::save_notifications())
}

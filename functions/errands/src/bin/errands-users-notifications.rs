//! Answers whether and how often the caller wants to be told.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::users::notifications())
}

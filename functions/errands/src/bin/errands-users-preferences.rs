//! Answers which orders the caller wants to hear of.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::users::preferences())
}

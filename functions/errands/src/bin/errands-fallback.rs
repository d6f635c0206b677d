//! Answers what no route matches.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::system::fallback())
}

//! Answers what no route matches.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::system::fallback())
}

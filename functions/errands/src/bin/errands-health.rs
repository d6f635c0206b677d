//! Reports whether the store answers.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::system::health())
}

//! Reports whether the store answers.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::system::health())
}

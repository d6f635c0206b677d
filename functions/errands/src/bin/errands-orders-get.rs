//! Answers one order as its reader may see it.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::orders::get())
}

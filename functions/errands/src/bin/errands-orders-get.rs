//! Answers one order as its reader may see it.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::orders::get())
}

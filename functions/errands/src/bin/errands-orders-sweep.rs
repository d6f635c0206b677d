//! Writes down which orders the clock has ended.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::orders::sweep())
}

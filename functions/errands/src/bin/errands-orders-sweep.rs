//! Writes down which orders the clock has ended.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::orders::sweep())
}

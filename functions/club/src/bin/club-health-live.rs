//! Does a process run?

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::health::live())
}

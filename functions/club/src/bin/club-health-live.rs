//! Does a process run?

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::health::live())
}

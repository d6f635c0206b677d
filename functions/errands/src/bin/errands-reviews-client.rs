//! Takes a client's review of an executor.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::reviews::review())
}

//! Takes a client's review of an executor.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::reviews::review())
}

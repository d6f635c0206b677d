//! Takes an executor's complaint about a client.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::reviews::complain())
}

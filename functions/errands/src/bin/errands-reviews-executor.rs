//! Takes an executor's complaint about a client.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::reviews::complain())
}

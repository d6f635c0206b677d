//! Offers a new order to one page of its subscribers.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::notify::fanout())
}

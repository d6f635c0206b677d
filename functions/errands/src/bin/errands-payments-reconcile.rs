//! Goes through the providers' own books.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::payments::reconcile())
}

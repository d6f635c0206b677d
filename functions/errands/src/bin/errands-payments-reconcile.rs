//! Goes through the providers' own books.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::payments::reconcile())
}

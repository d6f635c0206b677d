//! Holds the providers' books against ours, every hour.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::payments::reconcile())
}

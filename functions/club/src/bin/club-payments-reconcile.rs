//! Holds the providers' books against ours, every hour.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::payments::reconcile())
}

//! Counts all ratings anew.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::ratings::reconcile())
}

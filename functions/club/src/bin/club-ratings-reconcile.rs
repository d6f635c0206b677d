//! Counts all ratings anew.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::ratings::reconcile())
}

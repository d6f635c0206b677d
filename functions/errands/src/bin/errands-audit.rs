//! Counts the invariants, and corrects the totals of feeds.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(errands::audit::audit())
}

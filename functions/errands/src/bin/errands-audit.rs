//! Counts the invariants, and corrects the totals of feeds.

fn main() -> Result<(), shared::function::BoxError> {
    errands::run(errands::audit::audit())
}

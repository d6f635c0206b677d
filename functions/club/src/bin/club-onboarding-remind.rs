//! The queue of steps of onboardings.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::onboarding::remind())
}

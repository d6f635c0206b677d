//! The queue of steps of onboardings.

fn main() -> Result<(), shared::function::BoxError> {
    club::run(club::onboarding::remind())
}

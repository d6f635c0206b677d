//! The sweep of onboardings, by the clock.

fn main() -> Result<(), shared::function::BoxError> {
    shared::function::run(club::onboarding::sweep())
}
